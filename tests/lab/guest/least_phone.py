#!/usr/bin/env python3
"""A phone of our own over real USB: the smallest MTP responder on FunctionFS.

    tests/lab/run --phone ffs:tests/lab/guest/least_phone.py -- mtp-detect

Proof that a program of ours can be the phone: descriptors and strings into ep0, a
thread that answers ep0's events and class requests, then containers over ep1 (in)
and ep2 (out).  It knows GetDeviceInfo, sessions and an empty list of storages.
"""
import os, struct, sys, threading

FFS = os.environ.get("FFS", "/dev/ffs-mtp")

def say(*words):
    print(*words, file=sys.stderr, flush=True)

def descriptors(bulk):
    interface = struct.pack("<9B", 9, 4, 0, 0, 3, 6, 1, 1, 1)   # class 6/1/1, name: string 1
    endpoint = lambda address, kind, size, interval: struct.pack("<4BHB", 7, 5, address, kind, size, interval)
    return interface + endpoint(0x81, 2, bulk, 0) + endpoint(0x02, 2, bulk, 0) + endpoint(0x83, 3, 28, 6)

ep0 = os.open(f"{FFS}/ep0", os.O_RDWR)
both = struct.pack("<II", 4, 4) + descriptors(64) + descriptors(512)    # full and high speed, 4 descriptors each
os.write(ep0, struct.pack("<III", 3, 12 + len(both), 1 | 2) + both)
names = struct.pack("<H", 0x409) + b"MTP\0"
os.write(ep0, struct.pack("<IIII", 2, 16 + len(names), 1, 1) + names)
ep_in, ep_out = os.open(f"{FFS}/ep1", os.O_RDWR), os.open(f"{FFS}/ep2", os.O_RDWR)
say("ep0: descriptors accepted, endpoints are", sorted(os.listdir(FFS)))

def control():
    kinds = ("bind", "unbind", "enable", "disable", "setup", "suspend", "resume")
    while True:
        events = os.read(ep0, 12 * 4)
        for i in range(0, len(events), 12):
            kind, request, value, index, length, event = struct.unpack("<BBHHHB3x", events[i:i + 12])
            say("ep0:", kinds[event], f"{kind:02x} {request:02x} length {length}" if event == 4 else "")
            if event != 4:
                continue
            if kind & 0x80:      # GetDeviceStatus: OK
                os.write(ep0, struct.pack("<HH", 4, 0x2001)[:length])
            else:                # Cancel, Reset
                os.read(ep0, length)

threading.Thread(target=control, daemon=True).start()

def text(s):
    return bytes([len(s) + 1]) + (s + "\0").encode("utf-16le")

def codes(*c):
    return struct.pack(f"<I{len(c)}H", len(c), *c)

info = (struct.pack("<HIH", 100, 6, 100) + text("android.com: 1.0;") + struct.pack("<H", 0)
        + codes(0x1001, 0x1002, 0x1003, 0x1004) + codes(0x4002, 0x4003) + codes() + codes() + codes(0x3000, 0x3001)
        + text("Lab") + text("Lab phone (FunctionFS)") + text("1") + text("LAB0003"))
data = {0x1001: info, 0x1004: struct.pack("<I", 0)}

while True:
    try:
        got = os.read(ep_out, 16384)
    except OSError as e:        # unplugged, or not plugged in yet: the next read waits for the cable
        say("ep2:", e)
        continue
    if len(got) < 12:
        continue
    length, kind, code, number = struct.unpack("<IHHI", got[:12])
    say(f"ep2: container {kind}, operation {code:04x}, transaction {number}")
    if code in data:
        os.write(ep_in, struct.pack("<IHHI", 12 + len(data[code]), 2, code, number) + data[code])
    os.write(ep_in, struct.pack("<IHHI", 12, 3, 0x2001 if code in (0x1001, 0x1002, 0x1003, 0x1004) else 0x2005, number))
