"""SPE and its graph network on PyTorch's own operations, written from the formulas (arXiv 2310.02579, section 3 and
appendix) the way the published runs are: columns of a batch padded to its largest graph, parameters under the published
names. The peer of tests/benchmarks/spe_step.py; no library of graph networks is needed."""
import torch
from torch import nn


class MLP(nn.Module):
    """layers - 1 times linear, norm, ReLU, then linear. norm: "batch", "layer" or None."""

    class Layer(nn.Module):
        def __init__(self, inputs, outputs, norm):
            super().__init__()
            self.fc = nn.Linear(inputs, outputs)
            if norm:
                self.bn = nn.BatchNorm1d(outputs) if norm == "batch" else nn.LayerNorm(outputs)
            self.norm = norm

        def forward(self, x):
            x = self.fc(x)
            if self.norm == "batch":
                x = self.bn(x.flatten(0, -2)).view(x.shape)
            elif self.norm:
                x = self.bn(x)
            return torch.relu(x)

    def __init__(self, layers, inputs, hidden, outputs, norm):
        super().__init__()
        sizes = [inputs] + [hidden] * (layers - 1)
        self.layers = nn.ModuleList(MLP.Layer(a, b, norm) for a, b in zip(sizes, sizes[1:]))
        self.fc = nn.Linear(sizes[-1], outputs)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.fc(x)


class DeepSets(nn.Module):
    """x_i -> relu(W x_i + b + U sum_j x_j), j over eigenvalues that are there."""

    class Layer(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.fc_curr = nn.Linear(inputs, outputs)
            self.fc_all = nn.Linear(inputs, outputs, bias=False)

        def forward(self, x, mask):
            return torch.relu(self.fc_curr(x) + self.fc_all((x * mask).sum(1, keepdim=True)))

    def __init__(self, layers, hidden):
        super().__init__()
        sizes = [1] + [hidden] * (layers - 1) + [1]
        self.layers = nn.ModuleList(DeepSets.Layer(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask)
        return x


class GINLayer(nn.Module):
    def __init__(self, mlp, edge_types=None, width=None, pe=None):
        super().__init__()
        self.mlp = mlp
        self.eps = nn.Parameter(torch.randn(1))
        if edge_types:
            self.edge_features = nn.Embedding(edge_types + 1, width)
            self.pe_embedding = pe

    def forward(self, x, edges, edge_type=None):
        source, target = edges
        message = x[source]
        if edge_type is not None:
            message = torch.relu(message + self.edge_features(edge_type))
        return self.mlp((1 + self.eps) * x + torch.zeros_like(x).index_add(0, target, message))


class GIN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)


class Phi(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, n = c["phi_hidden_dims"], c["n_phi_layers"]
        sizes = [c["n_psis"]] + [h] * (n - 1) + [c["pe_dims"]]
        self.gin = GIN([GINLayer(MLP(c["n_mlp_layers"], a, h, b, "layer")) for a, b in zip(sizes, sizes[1:])])


class Encoding(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.masked = c["psi_model_name"] == "deepsets"
        layers, hidden, count = c["n_psi_layers"], c["psi_hidden_dims"], c["n_psis"]
        norm = "batch" if c["mlp_use_bn"] else None
        self.psi_list = nn.ModuleList(DeepSets(layers, hidden) if self.masked else MLP(layers, 1, hidden, 1, norm)
                                      for _ in range(count))
        self.phi = Phi(c)

    def psi(self, values, counts):
        x = values.unsqueeze(-1)
        mask = (torch.arange(values.shape[1]) < counts.unsqueeze(-1)).unsqueeze(-1)
        return torch.cat([psi(x, mask) if self.masked else psi(x) for psi in self.psi_list], -1)

    def forward(self, values, vectors, edges, sizes):
        """values: (G, d); vectors: (N, d); sizes: nodes of each graph."""
        z = self.psi(values, torch.tensor(sizes))
        largest, rows, masks = max(sizes), [], []
        for zg, v in zip(z, vectors.split(sizes)):
            w = torch.einsum("ik,kc,jk->ijc", v, zg, v)
            rows.append(nn.functional.pad(w, (0, 0, 0, largest - len(v))))
            masks.append((torch.arange(largest) < len(v)).expand(len(v), -1))
        x, mask = torch.cat(rows), torch.cat(masks).unsqueeze(-1)
        for layer in self.phi.gin.layers:
            x = layer(x, edges)
        return (x * mask).sum(1)


class Base(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, norm = c["base_hidden_dims"], "batch" if c["mlp_use_bn"] else None
        layers, wide = c["n_mlp_layers"], c["mlp_hidden_dims"]
        self.gine = GIN([GINLayer(MLP(layers, h, wide, h, norm), c["n_edge_types"], h,
                                  MLP(layers, c["pe_dims"], wide, h, norm)) for _ in range(c["n_base_layers"])])
        self.mlp = MLP(layers, h, wide, c.get("target_dims", 1), norm)


class Network(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, h = c, c["node_emb_dims"]
        self.positional_encoding = Encoding(c)
        self.node_features = nn.Embedding(c["n_node_types"], h)
        self.pe_embedding = nn.Linear(c["pe_dims"], h)
        if c["pe_aggregate"] == "concat":
            self.fc = nn.Linear(2 * h, h)
        self.base_model = Base(c)

    def forward(self, values, vectors, edges, sizes, node_type, edge_type):
        pe = self.positional_encoding(values, vectors, edges, sizes)
        x, e = self.node_features(node_type), self.pe_embedding(pe)
        x = self.fc(torch.cat([x, e], -1)) if self.c["pe_aggregate"] == "concat" else x + e
        for layer in self.base_model.gine.layers:
            before = x
            x = layer(x + layer.pe_embedding(pe), edges, edge_type)
            x = x + before if self.c["residual"] else x
        batch = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
        pooled = x.new_zeros(len(sizes), x.shape[1]).index_add(0, batch, x)
        if self.c["pooling"] == "mean":
            pooled = pooled / torch.tensor(sizes).unsqueeze(-1)
        return self.base_model.mlp(pooled).squeeze(-1), pe
