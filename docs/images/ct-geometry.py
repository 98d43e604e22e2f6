#!/usr/bin/python3
"""Draws the pictures of docs/ct-geometry.md as SVG beside itself, from the formulas of io/ct_geometry.h."""
import math
import os

here = os.path.dirname(os.path.abspath(__file__))
ink, blue, red, green, grey = "#222", "#1f5fa8", "#b3331d", "#2b7a3f", "#999"


class Drawing:
    """World coordinates in mm with y upwards; each panel has its origin and scale."""

    def __init__(self, width, height):
        self.width, self.height, self.items = width, height, []
        self.panel(0, 0, 1)

    def panel(self, x, y, scale):
        self.x, self.y, self.scale = x, y, scale

    def at(self, p):
        return self.x + self.scale * p[0], self.y - self.scale * p[1]

    def line(self, a, b, colour=ink, width=1.2, arrow=False, dash=""):
        (x, y), (u, v) = self.at(a), self.at(b)
        head = f' marker-end="url(#{colour[1:]})"' if arrow else ""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.items.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}" stroke="{colour}" stroke-width="{width}"{dashes}{head}/>')

    def path(self, points, colour=ink, width=1.2, arrow=False, dash="", fill="none"):
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, points))
        head = f' marker-end="url(#{colour[1:]})"' if arrow else ""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.items.append(f'<polyline points="{text}" stroke="{colour}" stroke-width="{width}" fill="{fill}"{dashes}{head}/>')

    def dot(self, p, colour=ink, radius=3.5):
        x, y = self.at(p)
        self.items.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def text(self, p, words, colour=ink, dx=0.0, dy=0.0, anchor="start", size=13, style=""):
        x, y = self.at(p)
        self.items.append(f'<text x="{x + dx:.1f}" y="{y + dy:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}" {style}>{words}</text>')

    def save(self, name):
        heads = "".join(f'<marker id="{c[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
                        f'<path d="M0,0 L10,5 L0,10 z" fill="{c}"/></marker>' for c in (ink, blue, red, green, grey))
        with open(os.path.join(here, name), "w") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
                       f'viewBox="0 0 {self.width} {self.height}" font-family="DejaVu Sans, sans-serif">\n<defs>{heads}</defs>\n'
                       f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(self.items) + "\n</svg>\n")


def add(*parts):
    return tuple(sum(c * p[i] for c, p in parts) for i in range(2))


def frame(degrees):
    t = math.radians(degrees)
    return (math.cos(t), math.sin(t)), (-math.sin(t), math.cos(t))


def arc(radius, first, last):
    return [(radius * math.cos(math.radians(a)), radius * math.sin(math.radians(a)))
            for a in [first + (last - first) * i / 40 for i in range(41)]]


def axes(d, length):
    d.line((-length, 0), (length, 0), grey, 1, True)
    d.line((0, -length), (0, length), grey, 1, True)
    d.text((length, 0), "x", grey, 4, 4)
    d.text((0, length), "y", grey, -12, 4)


def grid(d, n, voxel, numbers=True):
    half = n * voxel / 2
    for i in range(n + 1):
        a = -half + i * voxel
        d.line((a, -half), (a, half), "#ddd", 0.8)
        d.line((-half, a), (half, a), "#ddd", 0.8)
    if numbers:
        d.text((-half, -half + voxel / 2), "[k, 0, 0]", grey, -4, 4, "end", 10)
        d.text((half, half - voxel / 2), "[k, ny-1, nx-1]", grey, 4, 4, "start", 10)


def detector(d, centre, e_u, columns, pitch, colour=blue):
    """The detector's line and its pixels' borders."""
    ends = [add((1, centre), (s * columns * pitch / 2, e_u)) for s in (-1, 1)]
    d.line(*ends, colour, 3)
    return ends


def turning():
    d = Drawing(920, 400)
    for x, degrees in ((210, 0), (640, 35)):
        d.panel(x, 190, 1.0)
        axes(d, 150)
        grid(d, 6, 22, degrees == 0)
        e_u, e_w = frame(degrees)
        source, centre = add((-150, e_w)), add((105, e_w))
        ends = detector(d, centre, e_u, 8, 20)
        for i, end in enumerate(ends):
            d.line(source, end, grey, 0.8, dash="3 3")
        d.dot(source, red)
        d.text(source, "source, t = %d&#176;" % degrees, red, 10, 4)
        d.line((0, 0), add((75, e_u)), green, 2, True)
        d.text(add((75, e_u)), "e_u", green, 6, 12)
        d.line((0, 0), add((75, e_w)), green, 2, True)
        d.text(add((75, e_w)), "e_w", green, 8, 0)
        d.text(ends[0], "column 0", blue, -8, 4, "end", 11)
        d.text(ends[1], "column n_u - 1", blue, 8, 0, "start", 11)
        if degrees:
            d.path(arc(52, 0, degrees), green, 1.4, True)
            d.text(arc(52, 0, degrees)[20], "t", green, 6, 0)
    d.panel(0, 0, 1)
    d.text((20, 0), "At t = 0 rays run along +y, columns are numbered along +x. A growing t turns source and detector", ink, 0, 370, size=12)
    d.text((20, 0), "counter-clockwise (y upwards), from +x to +y. e_v = +z comes out of the picture.", ink, 0, 388, size=12)
    d.save("ct-turning.svg")


def offsets():
    d = Drawing(920, 420)
    for x, curved in ((230, False), (680, True)):
        d.panel(x, 225, 1.0)
        source, reach = (-26.0, -150.0), 270.0  # axis_offset 26
        d.line((0, -170), (0, 150), grey, 1, dash="2 4")
        d.dot((0, 0))
        d.text((0, 0), "axis of rotation, origin", ink, 8, 4, size=11)
        d.line(source, (source[0], source[1] + reach + 25), grey, 1, dash="6 4")
        d.dot(source, red)
        d.text(source, "source", red, -10, 4, "end")
        d.line((source[0], -35), (0, -35), green, 1.6, True)
        d.text((source[0], -35), "axis_offset", green, -4, 4, "end", 11)
        n, pitch, shift = 9, 22.0, 40.0
        pixels = []
        for j in range(n):
            u = (j - (n - 1) / 2) * pitch + shift
            turn = u / reach
            pixels.append(add((1, source), (reach * math.sin(turn) if curved else u, (1, 0)), (reach * math.cos(turn) if curved else reach, (0, 1))))
        d.path(pixels, blue, 3)
        for p in pixels:
            d.dot(p, blue, 3)
        d.line(source, pixels[0], grey, 0.8, dash="3 3")
        d.line(source, pixels[-1], grey, 0.8, dash="3 3")
        middle, foot = pixels[n // 2], (source[0], source[1] + reach)
        d.line((foot[0], foot[1] + 22), (middle[0], foot[1] + 22), green, 1.6, True)
        d.text((foot[0], foot[1] + 22), "offset_u", green, 2, -6, "start", 11)
        d.line((-150, source[1]), (-150, 0), ink, 1, True)
        d.text((-150, source[1] / 2), "source_axis", ink, -6, 0, "end", 11)
        d.line((-120, source[1]), (-120, foot[1]), ink, 1, True)
        d.text((-120, 40), "source_detector", ink, -6, 0, "end", 11)
        d.text((0, -188), "curved: equiangular" if curved else "flat", blue, 0, 0, "middle")
    d.save("ct-offsets.svg")


def helix():
    d = Drawing(920, 330)
    d.panel(200, 160, 1.0)
    d.line((-150, 0), (190, 0), grey, 1, True)
    d.text((190, 0), "e_w", grey, 4, 4)
    d.line((0, -120), (0, 130), grey, 1, True)
    d.text((0, 130), "z", grey, 6, 4)
    source, foot = (-150.0, -30.0), 150.0
    d.dot(source, red)
    d.text(source, "source", red, 10, 18, "start")
    d.line((-170, 0), (-170, source[1]), green, 1.4, True)
    d.text((-170, source[1]), "source_z", green, 4, 16, "middle", 11)
    pixels = [(foot, source[1] + 20 + (i - 3) * 20) for i in range(7)]
    d.path(pixels, blue, 3)
    for p in pixels:
        d.dot(p, blue, 3)
    d.text(pixels[-1], "row n_v - 1", blue, 8, 4, size=11)
    d.text(pixels[0], "row 0", blue, 8, 4, size=11)
    d.line(source, (foot, source[1]), grey, 0.8, dash="6 4")
    d.line((foot + 12, source[1]), (foot + 12, source[1] + 20), green, 1.4, True)
    d.text((foot + 12, source[1] + 10), "offset_v", green, 6, 4, size=11)
    d.line(source, pixels[0], grey, 0.8, dash="3 3")
    d.line(source, pixels[-1], grey, 0.8, dash="3 3")
    for k in range(5):
        z = (k - 2) * 22
        d.line((-55, z - 11), (55, z - 11), "#ddd", 0.8)
        d.text((0, z), f"slice {k}" if k in (0, 4) else "", grey, 0, 4, "middle", 10)
    d.line((-55, 55), (55, 55), "#ddd", 0.8)
    d.panel(680, 160, 1.0)
    d.line((0, -130), (0, 130), grey, 1, True)
    d.text((0, 130), "z", grey, 6, 4)
    pitch = 80.0
    points = [(120 * math.sin(t), -110 + pitch * t / (2 * math.pi) - 22 * math.cos(t)) for t in [i * 0.05 for i in range(346)]]
    d.path(points, red, 1.6, True)
    d.dot(points[0], red)
    d.text(points[0], "view 0, angle 0: x = 0, y = -source_axis", red, 8, 18, size=11)
    d.line((150, -50), (150, -50 + pitch), green, 1.4, True)
    d.text((150, -10), "pitch a turn", green, 6, 4, size=11)
    d.save("ct-helix.svg")


turning()
offsets()
helix()
