#!/usr/bin/python3
"""A switch between taps that holds frames back: latency and bandwidth of a network where the kernel has no netem.

  relay.py DELAY_S BITS_PER_S TAP...      0: none

The frames of a port leave at its rate, one behind another, and arrive DELAY_S later. Says when the taps are there.
"""
import fcntl
import heapq
import itertools
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
delay, rate = float(sys.argv[1]), float(sys.argv[2])
ports = []
for name in sys.argv[3:]:
    ports.append(os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK))
    fcntl.ioctl(ports[-1], TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
print("ready", flush=True)

free = dict.fromkeys(ports, 0.0)  # when a port has sent what it was given
at, waiting, number = {}, [], itertools.count()  # at: the port behind an address


def deliver(frame, source):
    known = at.get(frame[:6])
    for port in [known] if known is not None else ports:
        if port != source:
            try:
                os.write(port, frame)
            except OSError:  # a host that is not up yet, or no more
                pass


while True:
    for port in select.select(ports, [], [], max(0, waiting[0][0] - time.monotonic()) if waiting else None)[0]:
        for _ in range(64):
            try:
                frame = os.read(port, 65536)
            except OSError:
                break
            at[frame[6:12]] = port
            free[port] = max(free[port], time.monotonic()) + (8 * len(frame) / rate if rate else 0)
            heapq.heappush(waiting, (free[port] + delay, next(number), frame, port))
    while waiting and waiting[0][0] <= time.monotonic():
        deliver(*heapq.heappop(waiting)[2:])
