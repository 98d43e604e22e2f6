"""Makes tests/data/dds_ct.h5: what tests/reference/dds_ct.c holds the data step of volumes against, from the reference
vectors of 3D CT (float64; HJ-harry/DDS commit 509b140): three rounds with the transpose of the system matrix, and the
five steps of the program itself, whose back projection is not the transpose.

    python3 tests/data/dds_ct.py dds_reference.h5 [tests/data/dds_ct.h5]
"""
import sys
import h5py

whole = h5py.File(sys.argv[1], "r")
source = whole["ct3d"]
with h5py.File(sys.argv[2] if len(sys.argv) > 2 else "tests/data/dds_ct.h5", "w") as out:

    def write(name, values):
        out.create_dataset(name, data=values, compression=9, shuffle=True)

    out.attrs["source"] = whole.attrs["source"]
    out.attrs["layout"] = "volumes are (slice, row, column); projections (slice, detector, angle)"
    write("A", source["A_matrix"][:])
    write("A_peer", source["AT_matrix_peer"][:].T)
    write("projections", source["projections"][:, 0])
    for k in (1, 2, 3):
        given = source[f"admm_true/round{k}"]
        write(f"round{k}/x_in", given["x_in"][:, 0])
        write(f"round{k}/x", given["x_after_cg_n"][:, :, 0])
        write(f"round{k}/d", given["dz"][:, 0])
        write(f"round{k}/u", given["uz"][:, 0])
    for k in range(1, 6):
        given = source[f"dds3d_run/step{k}"]
        write(f"step{k}/x_in", given["x0_before"][:, 0])
        write(f"step{k}/x", given["x0_after"][:, 0])
