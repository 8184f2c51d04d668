"""OSRM (CH) for one extract: preprocessing, routes, and pairs with their answers as CSV.

peers.py EXTRACT.osm.pbf LAT LON OUT.csv WORKDIR   (needs osrm-bindings, Python >= 3.12)
"""
import json, math, os, random, resource, shutil, subprocess, sys, time
import osrm

extract, lat, lon, out, work = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4], sys.argv[5]
home = os.path.dirname(osrm.__file__)
os.makedirs(work, exist_ok=True)
shutil.copyfile(extract, f"{work}/m.osm.pbf")
for tool in (["osrm-extract", "-p", f"{home}/share/profiles/car.lua", "m.osm.pbf"], ["osrm-contract", "m.osrm"]):
    subprocess.run([f"{home}/bin/{tool[0]}", "-t", "1", *tool[1:]], cwd=work, check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
report = {"preprocessing_cpu_s": round(used.ru_utime + used.ru_stime, 2), "peak_mb": used.ru_maxrss // 1024}
engine = osrm.OSRM(storage_config=f"{work}/m.osrm", use_shared_memory=False, algorithm="CH")
rnd = random.Random(42)
def point():
    while True:
        r, a = 8000 * math.sqrt(rnd.random()), rnd.random() * math.tau
        p = (lon + r * math.sin(a) / 111320 / math.cos(math.radians(lat)), lat + r * math.cos(a) / 111320)
        way = engine.Nearest(osrm.NearestParameters(coordinates=[p]))["waypoints"][0]
        if way["distance"] < 300:
            x, y = list(way["location"])
            r, a = 15 * rnd.random(), rnd.random() * math.tau
            return (round(x + r * math.sin(a) / 111320 / math.cos(math.radians(lat)), 6), round(y + r * math.cos(a) / 111320, 6))
rows, took = [], []
while len(rows) < 1000:
    a, b = point(), point()
    try:
        t = time.process_time()
        route = engine.Route(osrm.RouteParameters(coordinates=[a, b], overview="false"))["routes"][0]
        took.append((time.process_time() - t) * 1e6)
    except RuntimeError:
        continue
    rows.append(f"{a[1]},{a[0]},{b[1]},{b[0]},{route['duration']:.1f},{route['distance']:.1f}")
took.sort()
report["route_us"] = {"median": round(took[500]), "p99": round(took[990])}
open(out, "w").write("# (c) OpenStreetMap contributors, ODbL; osrm-bindings 26.10.0 car.lua CH\n" + "\n".join(rows) + "\n")
print(json.dumps(report))
