include(CMakePackageConfigHelpers)
install(TARGETS subspan subspan-petsc EXPORT subspan-targets)
install(TARGETS subspan-program)
foreach(folder base io operators solvers)
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/subspan
          FILES_MATCHING PATTERN "*.h" PATTERN "*_private.h" EXCLUDE)
endforeach()
install(EXPORT subspan-targets NAMESPACE Subspan:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/subspan)
configure_package_config_file(config/cmake/subspan-config.cmake.in ${CMAKE_BINARY_DIR}/subspan-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/subspan)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/subspan-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/subspan-config.cmake ${CMAKE_BINARY_DIR}/subspan-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/subspan)
configure_file(config/cmake/subspan.pc.in ${CMAKE_BINARY_DIR}/subspan.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/subspan.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES docs/subspan.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(DIRECTORY config/slurm DESTINATION ${CMAKE_INSTALL_DATADIR}/subspan USE_SOURCE_PERMISSIONS)
