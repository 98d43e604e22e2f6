# `cpack -G DEB` in the build folder makes a Debian package; its dependencies are what dpkg-shlibdeps finds in the binaries.
# Build by the preset `package`: for any processor of the architecture.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "Subspan")
set(CPACK_PACKAGE_CONTACT "Subspan maintainers <maintainers@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
include(CPack)
