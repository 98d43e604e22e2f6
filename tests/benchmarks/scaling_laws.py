"""What each job of Subspan sends, holds, computes and reads on a rank, from first principles: the model of docs/scaling.md.

Counts. A law returns Calls: (function of MPI, ranks of the communicator, bytes) -> how many calls hand over so many bytes,
as tests/cluster/mpi_count.c counts them: what a rank gives away, what it gets in a broadcast. They are of the program's own
calls; those of PETSc, SLEPc and HDF5 are not ours to promise. `scaling_model.py` holds them against measured runs.

Time. Time() adds Hockney's latency and bandwidth to each call by the usual algorithms of the collectives.
"""
import collections
import math

FLOAT, DOUBLE, COMPLEX = 4, 8, 8  # bytes of a number; complex is float complex


def share(total, parts, part):
    """SpanShare: the first item of a part, and how many it has."""
    each, extra = divmod(total, parts)
    return each * part + min(part, extra), each + (part < extra)


class Calls(collections.Counter):
    def add(self, function, ranks, size, times=1):
        """A communicator of one rank sends nothing."""
        if ranks > 1 and times:
            self[function, ranks, int(size)] += times

    def total(self):
        return sum(size * n for (_, _, size), n in self.items())


class Layout:
    """SpanLayout: groups over items, a team in each."""

    def __init__(self, ranks, team, rank):
        self.ranks, self.team, self.rank = ranks, team, rank
        self.groups, self.group, self.member = ranks // team, rank // team, rank % team


def agree(calls, ranks, times=1):
    """SpanErrorAgree where nothing failed."""
    calls.add("Allreduce", ranks, 4, times)


def hash_file(calls, ranks, times=1):
    agree(calls, ranks, 2 * times)
    calls.add("Allgather", ranks, 4, times)


def commit(calls, ranks, times=1):
    """SpanHdf5Commit, SpanCheckpointCommit's equal: whether all closed, and what rank 0 made of it."""
    calls.add("Allreduce", ranks, 4, times)
    calls.add("Bcast", ranks, 4, times)


def checkpoint(calls, ranks, times=1):
    """Creation, whether it is on the disk, the check that it reads back, the renaming."""
    agree(calls, ranks, 2 * times)
    commit(calls, ranks, times)


def slowest(calls, ranks):
    """SpanReportSlowest: who worked longest, the mean, and its host's name."""
    calls.add("Allreduce", ranks, 12)
    calls.add("Allreduce", ranks, DOUBLE)
    calls.add("Bcast", ranks, 256)


# MRI ----------------------------------------------------------------------------------------------------------------


def uniform_mask(n, acceleration, center_fraction):
    """Columns of --undersample uniform1d without an offset."""
    low = round(center_fraction * n)
    first = (n - low + 1) // 2
    return [x for x in range(n) if x % acceleration == 0 or first <= x < first + low]


def gather_patches(calls, team, member, batches, batch_bytes, times=1):
    calls.add("Allgatherv", team, share(batches, team, member)[1] * batch_bytes, times)


def recon_mri(layout, slices, coils, ny, nx, calibration, noise, normals, sets=1, node=None, undersampled=True, has_mask=False,
              evaluations=(), prior=None):
    """A Cartesian study, --samples 1, no checkpoint. calibration: points of the calibration region; noise: samples of a
    coil that the noise is estimated from; normals(slice): products by A' or A'A; node: ranks of a node; prior: (batches,
    bytes of a batch) of an evaluation, of which there are evaluations(slice)."""
    c, world, team = Calls(), layout.ranks, layout.team
    node = node or world
    image = sets * ny * nx * COMPLEX
    agree(c, world, 4 + 1 + 2)  # places of three outputs and the monitor, opening, counts and memory of the plan
    c.add("Comm_split", world, 0)
    c.add("Comm_split_type", world, 0)
    c.add("Allreduce", node, DOUBLE)
    if undersampled:
        agree(c, world)
        c.add("Bcast", world, 4)
    if prior:
        agree(c, world, 2)  # opening and reading the model
        gather_patches(c, team, layout.member, *prior(None, None))
    first, count = share(slices, layout.groups, layout.group)
    _, mine = share(coils, team, layout.member)
    _, rows = share(ny, team, layout.member)
    for s in range(first, first + count):
        agree(c, team, 1 + has_mask)  # k-space, mask
        if not has_mask:
            c.add("Allreduce", team, ny * nx * FLOAT)  # where any coil has a sample
        if coils > 1:
            c.add("Allgatherv", team, mine * calibration * COMPLEX)
            agree(c, team)
            c.add("Gatherv", team, rows * nx * COMPLEX, sets * coils)  # maps: rows to coils
        c.add("Allgatherv", team, mine * noise * COMPLEX)
        c.add("Allreduce", team, DOUBLE)  # the data's power
        c.add("Reduce", team, image, normals(s))
        c.add("Bcast", team, image, normals(s))
        for k in range(evaluations(s) if prior else 0):
            gather_patches(c, team, layout.member, *prior(s, k))
    own = count if layout.member == 0 else 0
    c.add("Allreduce", world, DOUBLE)  # how much is done
    c.add("Gatherv", world, own * 8 * DOUBLE)  # records
    c.add("Allreduce", world, DOUBLE)  # the data range
    if undersampled:
        agree(c, world)
        c.add("Gatherv", world, own * 3 * DOUBLE)  # metrics
    hash_file(c, world)
    agree(c, world, 1 + 2 + undersampled)  # the file, its arrays
    c.add("Bcast", world, DOUBLE)  # the clock of the provenance
    commit(c, world)
    slowest(c, world)
    agree(c, world)
    return c


# Training -----------------------------------------------------------------------------------------------------------


def padded(size):
    """Every parameter starts on a cache line."""
    return (size + 15) // 16 * 16


def buckets(sizes, limit=1 << 18):
    """Floats of the sums of gradients: a bucket is closed by the first parameter that begins `limit` behind its start."""
    out, at, start = [], 0, None
    for size in sizes:
        if start is None or at - start >= limit:
            out.append(0)
            start = at
        out[-1] += padded(size)
        at += padded(size)
    return out


def unet_sizes(in_channels, out_channels, width, mult, res_blocks=1, attention=(), middle_attention=False):
    """The parameters of the UNet in the order of their registration."""
    sizes = []

    def layer(n_out, n_in, kernel=1):
        sizes.extend([n_out * n_in * kernel * kernel, n_out])

    def norm(c):
        sizes.extend([c, c])

    def residual(a, b):
        norm(a)
        layer(b, a, 3)
        layer(2 * b, 4 * width)
        norm(b)
        layer(b, b, 3)
        if a != b:
            layer(b, a)

    def attend(c):
        norm(c)
        layer(3 * c, c)
        layer(c, c)

    layer(4 * width, width)
    layer(4 * width, 4 * width)
    c = width * mult[0]
    layer(c, in_channels, 3)
    skips = [c]
    for level, m in enumerate(mult):
        for _ in range(res_blocks):
            residual(c, width * m)
            c = width * m
            if 1 << level in attention:
                attend(c)
            skips.append(c)
        if level + 1 < len(mult):
            residual(c, c)
            skips.append(c)
    residual(c, c)
    if middle_attention:
        attend(c)
    residual(c, c)
    for level in reversed(range(len(mult))):
        for r in range(res_blocks + 1):
            residual(c + skips.pop(), width * mult[level])
            c = width * mult[level]
            if 1 << level in attention:
                attend(c)
            if level and r == res_blocks:
                residual(c, c)
    norm(c)
    layer(out_channels, c, 3)
    return sizes


def fno_sizes(in_channels, out_channels, width, modes, layers, levels=0, lifting=2, projection=2, expansion=0.5, norm=False):
    """A dense FNO with a grid embedding, linear skips and a perceptron behind each convolution, soft-gated."""
    axes = len(modes)

    def perceptron(n_in, hidden, n_out):
        return [hidden * n_in, hidden, n_out * hidden, n_out]

    def part(ratio):
        return max(1, round(ratio * width))

    spectral = 2 * width * width * math.prod(modes[:-1]) * (modes[-1] // 2 + 1)
    sizes = perceptron(in_channels * (levels + 1) + axes, part(lifting), width)
    for _ in range(layers):
        sizes += [spectral, width, width * width] + perceptron(width, part(expansion), width) + [width]
        sizes += [width] * (4 if norm else 0)
    return sizes + perceptron(width, part(projection), out_channels)


def train(calls, ranks, sizes, steps, checkpoints=0):
    """The driver: buckets of gradients and three facts a step; the model; the report."""
    for bucket in buckets(sizes):
        calls.add("Iallreduce", ranks, bucket * FLOAT, steps)
    calls.add("Allreduce", ranks, 3 * DOUBLE, steps)
    checkpoint(calls, ranks, checkpoints)
    agree(calls, ranks)  # the model's file
    commit(calls, ranks)
    calls.add("Allreduce", ranks, 2 * DOUBLE)  # memory
    agree(calls, ranks)  # the monitor
    slowest(calls, ranks)


def shared_set(calls, ranks, node):
    """base/shared.c: whether it fits, the node's communicator, the barrier when all is read."""
    calls.add("Bcast", ranks, DOUBLE)
    calls.add("Comm_split_type", ranks, 0)
    calls.add("Barrier", node, 0)


def train_prior(ranks, sizes, steps, files=1, node=None, validations=0):
    """--pictures none. Images are read once a node; their histogram is the node's too."""
    c, node = Calls(), node or ranks
    agree(c, ranks, 2)  # places of model and report
    agree(c, ranks, files)  # sizes
    hash_file(c, ranks, files)
    shared_set(c, ranks, node)
    agree(c, ranks, 2 * files)
    c.add("Allreduce", node, 65536 * 8)
    train(c, ranks, sizes, steps)
    c.add("Allreduce", ranks, 7 * DOUBLE, validations)
    return c


def multigrid(side, levels, padding):
    """Points of a patch with its padding, and how many there are: SpanMultigridGeometry of a square field."""
    parts = 1 << levels
    margin = round(padding * side)
    return (side // parts + 2 * margin) ** 2, parts * parts


def train_operator(layout, sizes, steps, batch, samples, channels, node=None, patch=None, out_channels=1):
    """--pictures none, --held_share 0. channels: in and out; patch: (points, patches of a field) of multi-grid patches,
    which a team shares in batches of 4."""
    c, ranks, node = Calls(), layout.ranks, node or layout.ranks
    agree(c, ranks, 2)
    c.add("Comm_split", ranks, 0)
    agree(c, ranks, 2)  # the set, opened twice
    shared_set(c, ranks, node)
    agree(c, ranks)
    agree(c, ranks)  # moments
    c.add("Allreduce", ranks, samples * channels * 2 * DOUBLE)
    hash_file(c, ranks)
    train(c, ranks, sizes, steps)
    if patch:
        points, n = patch
        n *= share(batch, layout.groups, layout.group)[1]
        at_once = min(4, n)
        gather_patches(c, layout.team, layout.member, -(-n // at_once), at_once * points * out_channels * FLOAT, steps)
    return c


def train_encoding(ranks, sizes, steps, splits, d, norms, targets):
    """splits: (graphs, nodes) of train, val and test; norms: channels of each batch norm, whose moments are those of all
    ranks: a mean, a variance and two sums of the backward pass."""
    c = Calls()
    agree(c, ranks, 2)
    c.add("Comm_dup", ranks, 0)
    for graphs, nodes in splits:
        agree(c, ranks, 2)
        c.add("Allreduce", ranks, graphs * d * FLOAT)
        c.add("Allreduce", ranks, nodes * d * FLOAT)
    hash_file(c, ranks)
    train(c, ranks, sizes, steps)
    for n in norms:
        c.add("Allreduce", ranks, (n + 1) * DOUBLE, steps)
        c.add("Allreduce", ranks, n * DOUBLE, steps)
        c.add("Allreduce", ranks, (2 * n + 1) * DOUBLE, steps)
    c.add("Allreduce", ranks, targets * DOUBLE, len(splits) - 1)
    return c


def predict(layout, samples, batch, out_channels, steps=1, patch=None, truth=True):
    """All ranks meet after each batch. patch: (points, patches of a field), which a team shares one by one."""
    c, ranks = Calls(), layout.ranks
    batches = -(-samples // batch)
    first, count = share(batches, layout.groups, layout.group)
    most = share(batches, layout.groups, 0)[1]
    agree(c, ranks, 3 + 2 + 2 + 1)  # places, the monitor, the model, its history, the set
    c.add("Comm_split", ranks, 0)
    c.add("Allreduce", ranks, 4 * DOUBLE, most * steps + 1)
    if patch:
        points, n = patch
        for b in range(first, first + count):
            items = min(samples, (b + 1) * batch) - b * batch
            gather_patches(c, layout.team, layout.member, n * items, points * out_channels * FLOAT, steps)
    agree(c, ranks)
    c.add("Allreduce", ranks, 2 * samples * steps * DOUBLE)  # errors
    agree(c, ranks, 1 + out_channels + (1 + out_channels if truth else 0))
    commit(c, ranks)
    c.add("Allreduce", ranks, 2 * DOUBLE)
    slowest(c, ranks)
    return c


# CT -----------------------------------------------------------------------------------------------------------------


def recon_ct(ranks, rank, slices, rows, volume_sums=0, row_sums=0, prior=False, more=(), node=None):
    """Projections with counts, no reference, no checkpoint. Sums run over numbers of slices or detector rows in their order,
    so each gathers all of them: volume_sums, row_sums of the method, and five of the data and the residual. more: bytes
    of further Allreduces of the method."""
    c = Calls()
    agree(c, ranks, 4 + 1 + 1)  # places and the monitor, the file, the plan's memory
    c.add("Comm_split_type", ranks, 0)
    c.add("Allreduce", node or ranks, DOUBLE)
    agree(c, ranks, 2 if prior else 0)
    agree(c, ranks, 3)  # sizes, lines, weights
    c.add("Allgatherv", ranks, share(rows, ranks, rank)[1] * DOUBLE, 5 + row_sums)
    c.add("Allgatherv", ranks, share(slices, ranks, rank)[1] * DOUBLE, volume_sums)
    for size in more:
        c.add("Allreduce", ranks, size)
    hash_file(c, ranks)
    agree(c, ranks, 2)
    c.add("Bcast", ranks, DOUBLE)
    commit(c, ranks)
    slowest(c, ranks)
    agree(c, ranks)
    return c


def cg_sums(iterations):
    """Of KSPCG: two at its start, then the step, the norm and the direction of each iteration."""
    return 3 * iterations + 2


class Cone:
    """A circular cone as `simulate ct` lays it out, and the detector rows that slices reach (projector_cone.c)."""

    def __init__(self, nz, ny, nx, n_views, n_v, n_u, dx, dz, pitch_v, source_axis, source_detector):
        self.__dict__.update({k: v for k, v in locals().items() if k != "self"})

    def reach(self, first, count):
        corner = math.hypot(self.dx * (self.nx + 1) / 2, self.dx * (self.ny + 1) / 2)
        far = (self.source_axis + corner) / self.source_detector
        near = max((self.source_axis - corner) / self.source_detector, 1e-6 * far)
        bottom = (first - 1 - (self.nz - 1) / 2) * self.dz
        top = bottom + (count + 1) * self.dz
        zero = -self.pitch_v * (self.n_v - 1) / 2
        low = (bottom / (near if bottom < 0 else far) - zero) / self.pitch_v
        high = (top / (far if top < 0 else near) - zero) / self.pitch_v
        start = int(min(max(math.floor(low), 0), self.n_v))
        return start, int(min(max(math.ceil(high) + 1, start), self.n_v)) - start

    def groups(self, threads=1):
        """Views that are exchanged together: 64 MiB of them."""
        length = max(1, min(self.n_views, max(4 * threads, (64 << 20) // (self.n_v * self.n_u * FLOAT))))
        return [min(length, self.n_views - at) for at in range(0, self.n_views, length)]

    def rows_to(self, ranks, rank):
        """Rows of a view that slices of `rank` reach and another holds, by that other."""
        first, count = share(self.nz, ranks, rank)
        if not count:
            return {}
        start, n = self.reach(first, count)
        found = {}
        for other in range(ranks):
            low, held = share(self.n_v, ranks, other)
            both = min(start + n, low + held) - max(start, low)
            if both > 0 and other != rank:
                found[other] = both
        return found

    def sends(self, ranks, rank, projections, backprojections):
        """Bytes of PETSc's messages: A sends the rows that slices reach to who holds them, A' fetches them."""
        sizes = collections.Counter()
        to = self.rows_to(ranks, rank)
        wanted = [self.rows_to(ranks, r).get(rank, 0) for r in range(ranks)]
        for views in self.groups():
            for rows in to.values():
                sizes[rows * views * self.n_u * FLOAT] += projections
            for rows in wanted:
                if rows:
                    sizes[rows * views * self.n_u * FLOAT] += backprojections
        return +sizes


# Graphs -------------------------------------------------------------------------------------------------------------


def text_share(path, ranks, rank):
    """The lines that begin in a rank's bytes of the file."""
    with open(path, "rb") as f:
        text = f.read()
    low, high = len(text) * rank // ranks, len(text) * (rank + 1) // ranks
    if low and text[low - 1 : low] != b"\n":
        low = text.find(b"\n", low) + 1 or len(text)
    if high < len(text) and text[high - 1 : high] != b"\n":
        high = text.find(b"\n", high) + 1 or len(text)
    return text[low : max(low, high)].decode().splitlines()


def owner(total, parts, item):
    each, extra = divmod(total, parts)
    return item // (each + 1) if item < extra * (each + 1) else extra + (item - extra * (each + 1)) // each


def encode(ranks, rank, nodes, edges, eigenpairs, rounds, kind="matrix_market", components=1, json=True):
    """--solver krylovschur. edges: (from, to) that this rank reads; each goes to the owners of both its nodes. rounds: of
    the spreading of labels, as many as the longest chain of ranks that a component's first number passes, and one."""
    c = Calls()
    matrix = kind == "matrix_market"
    agree(c, ranks, 5)  # places of three files, the monitors
    c.add("Bcast", ranks, 4)  # whether it is HDF5
    agree(c, ranks)
    c.add("Exscan", ranks, 8)  # lines before
    for _ in range(3 if matrix else 2):  # headers
        agree(c, ranks)
        c.add("Bcast", ranks, 256)
        c.add("Bcast", ranks, 8)
    agree(c, ranks, 1 if matrix else 2)
    c.add("Allreduce", ranks, 8)  # how many edges
    if not matrix:
        c.add("Allreduce", ranks, 16)  # least and largest name
        c.add("Allreduce", ranks, nodes)  # a byte a name: whether they are in a row
    agree(c, ranks, 2)
    c.add("Alltoall", ranks, 4 * (ranks - 1))
    c.add("Alltoallv", ranks, 16 * sum((owner(nodes, ranks, a) != rank) + (owner(nodes, ranks, b) != rank) for a, b in edges))
    agree(c, ranks, 2)  # weights, largest degree
    c.add("Allreduce", ranks, 7 * 8)
    c.add("Allgather", ranks, 4, 2)  # owners of ghosts: for the components, for the Laplacian
    c.add("Allreduce", ranks, 4, rounds + 1)
    c.add("Exscan", ranks, 4)
    c.add("Allreduce", ranks, 4 * components)  # sizes
    agree(c, ranks)
    c.add("Allreduce", ranks, DOUBLE * components)  # norms of null vectors
    c.add("Allreduce", ranks, DOUBLE * eigenpairs, 2)  # signs, residuals
    c.add("Allreduce", ranks, DOUBLE * eigenpairs**2)  # orthogonality
    agree(c, ranks, 2)
    hash_file(c, ranks)
    c.add("Bcast", ranks, DOUBLE)
    agree(c, ranks)
    commit(c, ranks)
    c.add("Allreduce", ranks, DOUBLE, 1 + json)  # memory
    agree(c, ranks, json)
    return c


# Work ---------------------------------------------------------------------------------------------------------------
# What the rank with most of a job computes, in units that cost the same on every rank: scaling_time.py measures them.


def work_mri(layout, slices, coils, normals):
    """cg, team 1. A slice: reading, maps, noise, writing; a product: A'A of a coil."""
    first, count = share(slices, layout.groups, layout.group)
    return {"start": 1, "slice": count, "product of a coil": coils * sum(normals(s) for s in range(first, first + count))}


def work_train(ranks, steps, batch):
    """A step: the optimiser, which every rank does; a sample: forward and backward."""
    return {"start": 1, "step": steps, "sample": steps * share(batch, ranks, 0)[1]}


def work_encode(nodes, iterations):
    """Krylov-Schur on one rank. A node: reading, Laplacian, factors, writing; a node and restart: solves and orthogonalisation."""
    return {"start": 1, "node": nodes, "node and restart": nodes * iterations}


# Extrapolation ------------------------------------------------------------------------------------------------------

LATENCY, BANDWIDTH = 2e-6, 1.5e9  # assumed: seconds a message; bytes a second of a rank, 100 Gbit/s a node for 8 ranks


def seconds(calls, latency=LATENCY, bandwidth=BANDWIDTH):
    """Hockney's time of calls by the usual algorithms: trees for what is short, Rabenseifner's and rings for what is long."""
    total = 0
    for (function, p, size), n in calls.items():
        depth, part = math.ceil(math.log2(p)), size / bandwidth
        tree, ring = depth * (latency + part), 2 * depth * latency + 2 * part
        one = {"Allgatherv": depth * latency + p * part, "Allgather": depth * latency + p * part, "Gatherv": depth * latency + p * part,
               "Iallreduce": ring, "Alltoallv": (p - 1) * latency + part, "Alltoall": (p - 1) * latency + part, "Send": latency + part}.get(function, min(tree, ring))
        total += n * one
    return total


def big_mri(ranks):
    """8 samples of 256 slices, 32 coils, 320 x 320, dds of 50 steps with 20 products each: 2048 groups, then teams."""
    slices, coils, side, samples, steps, products = 256, 32, 320, 8, 50, 20
    team = -(-ranks // (slices * samples))
    groups = ranks // team
    units, mine = -(-slices * samples // groups), -(-coils // team)
    image = side * side * COMPLEX
    c = Calls()
    c.add("Reduce", team, image, units * steps * products)
    c.add("Bcast", team, image, units * steps * products)
    c.add("Allgatherv", team, 64 * 64 * 2 * FLOAT * 36 / team, units * steps)
    c.add("Gatherv", ranks, units * 64)
    memory = mine * image * 2 + image * (4 + 2 + 16) + 2 * units * side * side * FLOAT + 3 * 64 * coils * coils * 6**4 / 8
    flops = units * steps * (products * mine * side * side * 96 + 36 / team * 3.6e9)
    return memory, flops, c, units * mine * image


def big_ct(ranks):
    """2048 cubed, a cone of 2048 views on 2048 x 2048, 30 iterations of CG: a rank needs a slice at least."""
    n, iterations = 2048, 30
    ranks = min(ranks, n)
    cone = Cone(n, n, n, n, n, n, 0.1, 0.1, 0.15, 580, 870)
    middle = ranks // 3
    slices, rows = -(-n // ranks), -(-n // ranks)
    c = Calls()
    c.add("Allgatherv", ranks, slices * DOUBLE, 3 * iterations)
    for size, times in (cone.sends(ranks, middle, iterations, iterations) if ranks > 1 else {}).items():
        c.add("Send", ranks, size, times)
    memory = slices * n * n * (8 * 5 + 4 * 2 + 4) + rows * n * n * FLOAT * 3 + 64e6 + 24 * n * n
    return memory, 2 * iterations * slices * n**3 * 8, c, rows * n * n * FLOAT


def big_operator(ranks):
    """A training step of MG-TFNO at 4096 squared, 64 patches of 512 + 2 x 128 points a field and 256 fields: teams of 64."""
    fields, levels, width = 256, 3, 64
    team = min(64, -(-ranks // fields)) if ranks > fields else 1
    groups = max(1, min(fields, ranks // team))
    mine = -(-fields // groups)
    points, n = multigrid(4096, levels, 1 / 32)
    patches = -(-n // team)
    c = Calls()
    for bucket in buckets([4 << 20]):
        c.add("Iallreduce", ranks, bucket * FLOAT)
    c.add("Allreduce", ranks, 24)
    c.add("Allgatherv", team, patches * points * FLOAT, mine)
    memory = 4096**2 * FLOAT * 4 * mine + n * points * FLOAT + 4 * 16 * (4 << 20) + min(4, patches * mine) * points * width * FLOAT * 24
    return memory, mine * patches * points * 3 * 4 * (4 * width * width * 2), c, mine * 2 * 4096**2 * FLOAT


def big_graph(ranks):
    """A product with the Laplacian's 10^8 rows and 10^9 entries times 40 columns, and reading it from an edge list whose
    order is that of the nodes: a tenth of the edges cross to other ranks."""
    nodes, edges, columns = 10**8, 5 * 10**8, 40
    own = -(-nodes // ranks)
    ghosts = min(nodes - own, 2 * edges // ranks // 10)
    c = Calls()
    c.add("Send", ranks, ghosts * DOUBLE * columns / 16, 16)  # 16 neighbours
    c.add("Allreduce", ranks, columns * columns * DOUBLE, 2)
    c.add("Allreduce", ranks, nodes)  # whether the names are in a row
    memory = own * (8 + 8 + 4 + DOUBLE * columns * 3) + 2 * edges / ranks * 12 + ghosts * DOUBLE * columns + nodes
    return memory, 2 * 2 * edges / ranks * columns, c, edges / ranks * 20


BIG = {"MRI study, dds": big_mri, "CT 2048^3, cone, CG": big_ct, "MG-TFNO at 4096^2, a step": big_operator, "graph of 10^8 nodes, a product": big_graph}
