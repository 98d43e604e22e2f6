# Spack: `spack repo add` a repository that holds this file as packages/subspan/package.py, then, in a copy of the source,
# `spack dev-build subspan@0.1.0`.
from spack.package import *


class Subspan(CMakePackage):
    """Learned models inside subspace solvers, under MPI: reconstruction of MRI and CT with diffusion priors, neural
    operators, spectral encodings of graphs."""

    version("0.1.0")

    variant("native", default=True, description="Compile for this machine's processor")
    variant("int64", default=False, description="64-bit indices, as PETSc has them")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    for indices in ("+int64", "~int64"):
        depends_on("petsc@3.18:+mpi+double~complex" + indices, when=indices)
    depends_on("slepc@3.18:")
    depends_on("hdf5+mpi")
    depends_on("fftw@3:+openmp precision=float,double")
    depends_on("onednn")
    depends_on("openblas")
    depends_on("ismrmrd")
    depends_on("nifticlib")
    depends_on("random123")
    depends_on("cjson")
    depends_on("cairo")
    depends_on("zlib-api")
    depends_on("libdeflate")

    def cmake_args(self):
        return [self.define_from_variant("SUBSPAN_NATIVE", "native"), self.define("BUILD_TESTING", False)]
