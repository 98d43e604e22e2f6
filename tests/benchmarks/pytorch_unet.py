"""guided-diffusion's UNet (scale-shift norm, residual blocks that resample) in PyTorch, written anew, with the published
names: what benchmarks and the conversion of state dictionaries are held against."""
import math

import torch
from torch import nn
from torch.nn import functional as F


class Norm(nn.GroupNorm):
    """PyTorch 1.13 has no group norm of bfloat16 activations by float32 weights, which autocast leads to."""

    def forward(self, x):
        return super().forward(x.to(self.weight.dtype))


class Residual(nn.Module):
    def __init__(self, channels, out, width, groups, resample=None):
        super().__init__()
        self.resample = resample
        self.in_layers = nn.Sequential(Norm(groups, channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * out))
        self.out_layers = nn.Sequential(Norm(groups, out), nn.SiLU(), nn.Identity(),
                                        nn.Conv2d(out, out, 3, padding=1))
        self.skip_connection = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def change(self, x):
        if self.resample == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.resample == "up" else x

    def forward(self, x, emb):
        h = self.in_layers[2](self.change(self.in_layers[1](self.in_layers[0](x))))
        x = self.change(x)
        scale, shift = self.emb_layers(emb).to(h.dtype)[:, :, None, None].chunk(2, 1)
        h = self.out_layers[0](h) * (1 + scale) + shift
        return self.skip_connection(x) + self.out_layers[3](self.out_layers[1](h))


class Attention(nn.Module):
    def __init__(self, channels, head_channels, groups):
        super().__init__()
        self.heads = channels // head_channels
        self.norm = Norm(groups, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)

    def forward(self, x, emb):
        n, c, *points = x.shape
        flat = x.reshape(n, c, -1)
        q, k, v = self.qkv(self.norm(flat)).reshape(n * self.heads, 3 * c // self.heads, -1).chunk(3, 1)
        weight = torch.softmax(torch.einsum("bct,bcs->bts", q, k) / math.sqrt(q.shape[1]), -1)
        out = torch.einsum("bts,bcs->bct", weight, v).reshape(n, c, -1)
        return (flat + self.proj_out(out)).reshape(x.shape)


class Plain(nn.Conv2d):
    def forward(self, x, emb):
        return super().forward(x)


class UNet(nn.Module):
    def __init__(self, in_channels, out_channels, channels, mult, res_blocks, groups, attention=(), middle_attention=False,
                 head_channels=32):
        super().__init__()
        width = 4 * channels
        self.channels = channels
        self.time_embed = nn.Sequential(nn.Linear(channels, width), nn.SiLU(), nn.Linear(width, width))
        c = channels * mult[0]
        self.input_blocks = nn.ModuleList([nn.ModuleList([Plain(in_channels, c, 3, padding=1)])])
        skips = [c]

        def block(c, out, level):
            parts = [Residual(c, out, width, groups)]
            return parts + ([Attention(out, head_channels, groups)] if 2**level in attention else [])

        for level, m in enumerate(mult):
            for _ in range(res_blocks):
                self.input_blocks.append(nn.ModuleList(block(c, channels * m, level)))
                c = channels * m
                skips.append(c)
            if level + 1 < len(mult):
                self.input_blocks.append(nn.ModuleList([Residual(c, c, width, groups, "down")]))
                skips.append(c)
        middle = [Residual(c, c, width, groups), Residual(c, c, width, groups)]
        if middle_attention:
            middle.insert(1, Attention(c, head_channels, groups))
        self.middle_block = nn.ModuleList(middle)
        self.output_blocks = nn.ModuleList()
        for level, m in reversed(list(enumerate(mult))):
            for i in range(res_blocks + 1):
                parts = block(c + skips.pop(), channels * m, level)
                c = channels * m
                if level and i == res_blocks:
                    parts.append(Residual(c, c, width, groups, "up"))
                self.output_blocks.append(nn.ModuleList(parts))
        self.out = nn.Sequential(Norm(groups, c), nn.SiLU(), nn.Conv2d(c, out_channels, 3, padding=1))

    def embedding(self, time):
        half = self.channels // 2
        angle = time[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
        return torch.cat([angle.cos(), angle.sin()], -1)

    def forward(self, x, time):
        emb = self.time_embed(self.embedding(time).to(self.time_embed[0].weight.dtype))
        h, skips = x, []
        for block in self.input_blocks:
            for part in block:
                h = part(h, emb)
            skips.append(h)
        for part in self.middle_block:
            h = part(h, emb)
        for block in self.output_blocks:
            h = torch.cat([h, skips.pop()], 1)
            for part in block:
                h = part(h, emb)
        return self.out(h)


def randomise(model, seed):
    """Every parameter from a generator, so that no layer is zero: scaled to keep activations near 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, values in model.named_parameters():
            noise = torch.randn(values.shape, generator=generator)
            if values.ndim == 1:
                values.copy_(0.1 * noise + (1 if name.endswith("weight") else 0))
            else:
                values.copy_(noise / math.sqrt(values[0].numel()))
    return model
