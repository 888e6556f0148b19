"""The scenarios of tools/live-check. Each prints what it measured."""
import itertools, json, os, random, shutil, signal, subprocess, sys, tempfile, time

from harness import *

LOOK_AHEAD = 10.0  # milliseconds by which the shipped codec's output is late: 240 samples


def speech_through():
    """Recorded speech into the microphone: the loudspeaker plays what the decoder makes, without a gap."""
    talk = Talk()
    witness = Witness()
    out = speaker_monitor()
    record([out], 1)
    record([out], until=play(speech()))
    record([out], 1)
    out.stop()
    talk.finish()
    # The recorded codes, decoded apart from all this, are what should have been heard.
    path = talk.directory + "/reply.wav"
    subprocess.run(
        [Options.binary, "decode", talk.directory + "/said.codes", path, "--codec", Options.codec], check=True)
    expected, phases = read_wav(path), (out.samples[::2], out.samples[1::2])
    windows, lags = 0, []
    found = find(expected, phases[0])
    size, step = 480, 1200
    loud, first = found or (0, 0)
    # The queue is steered and the card's clock is another, so the lag moves: it is followed both ways from where it is known.
    for starts in (range(loud, len(expected) - size, step), range(loud - step, -1, -step)) if found else ():
        lag = first
        for start in starts:
            part = expected[start : start + size]
            if sum(s * s for s in part) < size * 300 * 300:
                continue
            windows += 1

            def fit(at):
                return max(likeness(part, heard, start + at) for heard in phases)

            best = max(range(lag - 24, lag + 25), key=fit)
            if fit(best) > 0.9:
                lags.append(best)
                lag = best
    gaps, moved = talk.count("gaps"), (max(lags) - min(lags)) / 24 if lags else 0
    print(f"  {windows} windows of 20 ms with sound, twenty in a second; the lag moved by {moved:.2f} ms in all; {witness.stop()}")
    check("the speech is heard", windows > 10 and len(lags) >= windows / 2, f"{len(lags)} of {windows} windows")
    measure("all of it is what the decoder makes", len(lags) == windows, f"{len(lags)} of {windows} windows alike")
    measure("no gap", gaps == 0 and talk.xruns() == 0, f"{gaps} gaps, {talk.xruns()} xruns")
    print("  " + talk.figures())


def likeness(part, heard, at):
    if at < 0 or at + len(part) > len(heard):
        return 0
    other = heard[at : at + len(part)]
    product = sum(a * b for a, b in zip(part[::2], other[::2]))
    energy = sum(a * a for a in part[::2]) * sum(b * b for b in other[::2])
    return product / energy**0.5 if energy else 0


def find(expected, heard):
    """The loudest tenth of a second of `expected`, and by how many samples `heard` is later there (both 24 kHz): coarse, then fine."""
    size = 2400
    starts = range(0, len(expected) - size, size)
    if not starts:
        return None
    loud = max(starts, key=lambda s: sum(x * x for x in expected[s : s + size]))
    part = expected[loud : loud + size]
    coarse = part[::8]
    places = []
    for at in range(0, len(heard) - size, 4):
        other = heard[at : at + size : 8]
        energy = sum(b * b for b in other)
        value = sum(a * b for a, b in zip(coarse, other)) / energy**0.5 if energy else 0
        if value > 0:
            places.append((value, at))
    if not places:
        return None
    # A voice is like itself a period later: the finer look decides between the likeliest.
    near = {fine for _, at in sorted(places)[-10:] for fine in range(at - 8, at + 9)}
    fine = max(near, key=lambda at: likeness(part, heard, at))
    return loud, fine - loud


def click():
    """Clicks into the microphone; the sum of the parts of their way to the loudspeaker."""
    random.seed(1)
    talk = Talk()
    burst = [random.uniform(-0.9, 0.9) for _ in range(480)]
    sound = []
    for index in range(8):
        sound += [0.0] * (24000 + 431 * index) + burst
    path = talk.directory + "/clicks.wav"
    write_wav(path, sound + [0.0] * 24000)
    both = [microphone_monitor(), speaker_monitor()]
    record(both, 1)
    record(both, until=play(path))
    record(both, 1)
    for recorder in both:
        recorder.stop()
    rows = talk.finish()[10:]

    def onsets(recorder):
        found, index, threshold = [], 0, 0.25 * max(abs(s) for s in recorder.samples)
        while index < len(recorder.samples):
            if abs(recorder.samples[index]) > threshold:
                found.append(1000 * (recorder.offset + index / RATE))
                index += 12000
            index += 1
        return found

    entered, left = onsets(both[0]), onsets(both[1])
    ways = []
    for begin in entered:
        after = [end - begin for end in left if 0 < end - begin < 400]
        if after:
            ways.append(after[0])
    parts = {
        "a frame": 80.0, "read": span(rows, "t_cap_hw_us", "t_cap_rd_us"),
        "codec": span(rows, "t_cap_rd_us", "t_wr_us"), "queue": slack(rows),
        "device": span(rows, "t_deadline_us", "t_dac_us"), "look-ahead": LOOK_AHEAD,
    }
    total = sum(parts.values())
    print("  " + " + ".join(f"{name} {value:.1f}" for name, value in parts.items()) + f" = {total:.1f} ms by the log")
    print("  the rest is what the sound server holds without telling")
    check("clicks come back", len(ways) >= 7, f"{len(ways)} of {len(entered)}")
    if ways:
        # The device's part is what the server tells, which is known to be 10 ms and more off; 2 periods and the buffers
        # of microphone and loudspeaker are the bound.
        bound = 80 + parts["codec"] + 2 * 10 + parts["queue"] + 30 + 10
        measure("in time", middle(ways) <= bound,
                f"{min(ways):.1f}, median {middle(ways):.1f}, {max(ways):.1f} ms measured at the monitors; "
                f"a frame, codec, 2 periods, queue and buffers are {bound:.1f}")


def back(talk, before, count):
    """Seconds until three frames in a row are captured and heard with the delay of before; `count` were there already."""
    begun = time.monotonic()
    while time.monotonic() < begun + 10:
        last = talk.frames()[count:][-3:]
        if len(last) == 3 and all(r["t_cap_hw_us"] and abs(int(r["slack_us"]) / 1000 - before) < 20 for r in last):
            return time.monotonic() - begun
        time.sleep(0.02)
    return float("inf")


def stop():
    """SIGSTOP for 300 ms: goes on, and the delay comes back."""
    talk = Talk()
    time.sleep(5)
    before, count = slack(talk.frames()[-30:]), len(talk.frames())
    talk.process.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    talk.process.send_signal(signal.SIGCONT)
    seconds = back(talk, before, count)
    time.sleep(1)
    count = len(talk.frames())
    time.sleep(4)
    rows = talk.finish()
    after = slack(rows[-25:])
    check("frames go on", len(rows) - count >= 40, f"{len(rows) - count} frames in 4 s")
    events = talk.xruns() + talk.count("late") + talk.count("skipped") + talk.count("unheard") + talk.count("concealed") + talk.count("gaps")
    check("it is counted", events >= 1, f"{events} events")
    measure("the conversation goes on within a second", seconds <= 1, f"after {seconds:.2f} s")
    measure("delay is what it was", abs(after - before) < 10, f"slack {before:.1f} -> {after:.1f} ms")
    print("  " + talk.figures())


def restart():
    """The sound server is killed and comes back."""
    talk = Talk()
    time.sleep(5)
    before, count = slack(talk.frames()[-30:]), len(talk.frames())
    old = server_process()
    restarting = subprocess.Popen([CARD, "restart"], stdout=subprocess.DEVNULL)
    while server_process() in (0, old) or subprocess.run(["pactl", "info"], capture_output=True).returncode:
        time.sleep(0.01)
    # A server without listeners makes sound two seconds at a time, so another program's first sound tells when it is back.
    begun, other, sound = time.monotonic(), microphone_monitor(), None
    while sound is None and time.monotonic() < begun + 10:
        other.take()
        sound = time.monotonic() - begun if other.samples else None
        time.sleep(0.01)
    seconds = back(talk, before, count)
    other.stop()
    restarting.wait()
    measure("another program has sound within ten seconds", sound is not None, f"after {sound or 10:.2f} s")
    count = len(talk.frames())
    time.sleep(5)
    rows = talk.finish()
    after = slack(rows[-25:])
    check("frames go on", len(rows) - count >= 50, f"{len(rows) - count} frames in 5 s")
    unheard = talk.count("unheard")
    check("it is counted", unheard + talk.count("gaps") + talk.count("late") >= 1, f"{unheard} unheard")
    heard = [r for r in rows[-25:] if r["t_cap_hw_us"]]
    measure("the conversation goes on within a second of the server's first sound", seconds <= 1, f"after {seconds:.2f} s")
    check("the microphone is back", len(heard) >= 20, f"{len(heard)} of the last 25 frames were captured")
    measure("delay is what it was", abs(after - before) < 10, f"slack {before:.1f} -> {after:.1f} ms")
    print("  " + talk.figures())


def stall():
    """The sound server stands still for two seconds."""
    talk = Talk()
    time.sleep(5)
    before = slack(talk.frames()[-30:])
    server = server_process()
    os.kill(server, signal.SIGSTOP)
    time.sleep(2)
    count = len(talk.frames())
    os.kill(server, signal.SIGCONT)
    seconds = back(talk, before, count)
    time.sleep(1)
    count = len(talk.frames())
    time.sleep(4)
    rows = talk.finish()
    after = slack(rows[-25:])
    check("frames go on", len(rows) - count >= 40, f"{len(rows) - count} frames in 4 s")
    unheard = talk.count("unheard")
    check("it is counted", unheard >= 5, f"{unheard} frames unheard")
    measure("the conversation goes on within a second", seconds <= 1, f"after {seconds:.2f} s")
    measure("delay is what it was", abs(after - before) < 10, f"slack {before:.1f} -> {after:.1f} ms")
    print("  " + talk.figures())


def echo():
    """The loudspeaker is heard by the microphone, -10 dB, about 50 ms later, and speaks."""
    module = subprocess.run(
        ["pactl", "load-module", "module-loopback", "source=speaker.monitor", "sink=micfeed", "latency_msec=50",
         "adjust_time=0"], capture_output=True, text=True).stdout.strip()
    subprocess.run(["pactl", "set-sink-volume", "micfeed", "-10dB"])
    time.sleep(1)
    done = subprocess.run(
        [Options.binary, "latency", "--input", "vmic", "--output", "vspk", "--speech", speech(), "--seconds", "15",
         "--json"], capture_output=True, text=True)
    subprocess.run(["pactl", "unload-module", module])
    subprocess.run(["pactl", "set-sink-volume", "micfeed", "0dB"])
    result = json.loads(done.stdout)
    loss = result.get("loss") or 0
    print("  by second: " + " ".join("-" if s is None else f"{s:.0f}" for s in result["seconds"]))
    check("the reference was set once", result["realignments"] == 1, f"{result['realignments']} times, {result['xruns']} xruns")
    measure("return loss from the third second on", loss >= 20, f"{loss:.1f} dB")


def killed(how, name):
    talk = Talk()
    time.sleep(4)
    talk.process.send_signal(how)
    talk.process.wait(30)
    end = time.time()
    codes = talk.directory + "/heard.codes"
    sound = talk.directory + "/conversation.flac"
    opened = subprocess.run(
        [Options.binary, "encode", sound, talk.directory + "/again.codes", "--codec", Options.codec, "--json"],
        capture_output=True, text=True)
    decoded = subprocess.run(
        [Options.binary, "decode", codes, talk.directory + "/again.wav", "--codec", Options.codec, "--json"],
        capture_output=True, text=True)
    check(f"{name}: sound and codes open", opened.returncode == 0 and decoded.returncode == 0,
          (opened.stderr + decoded.stderr).strip()[-200:] or "ok")
    # The log has every frame that was written down when the process died; 12 frames are a second.
    frames = len(talk.frames())
    kept = {"sound": json.loads(opened.stdout)["frames"] if opened.returncode == 0 else 0,
            "codes": json.loads(decoded.stdout)["frames"] if decoded.returncode == 0 else 0}
    missing = frames - min(kept.values())
    check(f"{name}: all but the last second is there", missing <= 12 and frames > 20, f"{frames} frames logged, {kept}")


def kill():
    """SIGINT, SIGTERM and SIGKILL while recording."""
    killed(signal.SIGINT, "SIGINT")
    killed(signal.SIGTERM, "SIGTERM")
    killed(signal.SIGKILL, "SIGKILL")


def screen():
    """Keys and picture in a terminal (tmux)."""
    if not shutil.which("tmux"):
        print("  skipped: there is no tmux here")
        return
    name = f"antiphon-{os.getpid()}"
    tmux = ["tmux", "-L", name]

    def run(*arguments):
        return subprocess.run([*tmux, *arguments], capture_output=True, text=True).stdout

    def shows(*words):
        for _ in range(50):
            picture = run("capture-pane", "-p")
            if all(word in picture for word in words):
                return True
            time.sleep(0.1)
        print(picture)
        return False

    command = f"{Options.binary} talk --mirror --codec {Options.codec} --input vmic --output vspk; echo ended with $?; sleep 20"
    subprocess.run([*tmux, "new-session", "-d", "-x", "100", "-y", "30", command])
    try:
        check("the picture", shows("antiphon  0:0", "you    ", "reply  ", "queue", "late 0", "xruns", "q quit"), "title, meters, figures, keys")
        run("send-keys", "m")
        check("m mutes", shows("muted: it hears silence"), "shown")
        run("send-keys", "Space")
        time.sleep(0.5)
        check("space opens", "muted:" not in run("capture-pane", "-p"), "shown")
        run("send-keys", "s")
        time.sleep(0.5)
        check("s leaves it running", "q quit" in run("capture-pane", "-p"), "shown")
        run("resize-window", "-x", "60", "-y", "12")
        time.sleep(0.5)
        small = run("capture-pane", "-p").rstrip("\n").split("\n")
        check("a smaller window", any("q quit" in l for l in small) and len(small) <= 12, f"{len(small)} rows")
        run("send-keys", "q")
        check("q quits", shows("ended with 0"), "exit code 0")
    finally:
        run("kill-server")


def steady(talk, name):
    """Minutes of speech: queue, memory and counts at the end against 20 s after the start."""
    feed = None
    witness = Witness()
    end = time.time() + 20

    def run_until(end):
        nonlocal feed
        while time.time() < end:
            if feed is None or feed.poll() is not None:
                feed = play(speech())
            time.sleep(0.2)

    run_until(end)
    rows = talk.frames()
    memory, begun = talk.memory(), len(rows)
    run_until(time.time() + Options.seconds)
    if feed is not None:
        feed.terminate()
    grown = talk.memory() - memory
    rows = talk.finish()
    # A minute is 750 frames; the depth of a single frame has the jitter of the machine in it.
    rows = rows[begun:]
    size = min(750, len(rows) // 2)
    minutes = [slack(rows[i : i + size]) for i in range(0, len(rows) - size + 1, size)]
    early, late = minutes[0], minutes[-1]
    print(f"  {Options.seconds:.0f} s, {len(rows)} frames; queue, minute by minute: " + " ".join(f"{m:.1f}" for m in minutes) + " ms")
    print("  " + witness.stop())
    measure("the queue at the end is the queue at the start", abs(late - early) < 3, f"slack {early:.1f} -> {late:.1f} ms")
    measure("no late frame", talk.count("late") == 0, f"{talk.count('late')} late, least slack {min(int(r['slack_us']) for r in rows) / 1000:.1f} ms")
    measure("no xrun", talk.xruns() == 0, f"{talk.xruns()} xruns, {talk.count('gaps')} gaps")
    measure("resident memory is flat", abs(grown) <= 1024, f"{grown:+d} kB")
    print("  " + talk.figures())


def questions():
    """The recorded questions: path, and the words of the reply that a file gets."""
    folder = os.path.join(ROOT, "Assets/audio/questions")
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for line in open(os.path.join(folder, "questions.tsv")):
            path = os.path.join(folder, line.split("\t")[0])
            reply, text = os.path.join(scratch, "reply.wav"), os.path.join(scratch, "text")
            subprocess.run(
                [Options.binary, "respond", path, reply, "--text", text, "--overwrite"], check=True, stdout=subprocess.DEVNULL)
            found.append((path, words(open(text).read())))
    return found


def words(text):
    return [word for word in "".join(c if c.isalnum() else " " for c in text.lower()).split()]


def clockless():
    """Devices without a clock: the program ends by itself, and another process keeps its processor."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "asoundrc")
        with open(path, "w") as file:
            file.write("pcm.endless { type null }\nctl.endless { type null }\n")
        ticks = os.sysconf("SC_CLK_TCK")

        def used(pid):
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / ticks

        # One that computes without end on each processor; what the first keeps is what any other would.
        others = [subprocess.Popen(["taskset", "-c", str(n), sys.executable, "-c", "while True: pass"]) for n in range(os.cpu_count())]

        def shares(seconds, body=lambda: None):
            """Of each processor, what its process got in so many seconds."""
            before, begin = [used(p.pid) for p in others], time.time()
            body()
            time.sleep(max(0, seconds - (time.time() - begin)))
            return [(used(p.pid) - b) / (time.time() - begin) for p, b in zip(others, before)]

        result = {}

        def run():
            begin = time.time()
            result["done"] = subprocess.run(
                [Options.binary, "talk", "--mirror", "--codec", Options.codec, "--input", "endless", "--output", "endless", "--seconds", "3"],
                env={**os.environ, "ALSA_CONFIG_PATH": path}, capture_output=True, text=True, timeout=60)
            result["took"] = time.time() - begin

        try:
            time.sleep(0.5)
            # Against what they get without it, as the machine may have other work.
            alone, beside = shares(3), shares(3, run)
        finally:
            for process in others:
                process.kill()
    done, kept = result["done"], [100 * b / a for a, b in zip(alone, beside)]
    reason = [line for line in done.stderr.splitlines() if line.startswith("antiphon: ")] or ["nothing"]
    check("it says why, and ends with 66", done.returncode == 66, reason[0])
    measure("it ends within 4 s", result["took"] < 4, f"{result['took']:.1f} s")
    measure("other processes keep 90 % of what they have without it", min(kept) >= 90, ", ".join(f"{k:.0f} %" for k in kept) + " on each processor")


def soak():
    """A long conversation with the model: nothing grows, and the last answers are as good as the first."""
    asked = questions()
    talk, witness = Talk(mirror=False), Witness()
    begin, shares, memory, descriptors, begun = time.time(), [], None, None, 0

    def said():
        """What the model has said: its lines, without the figures and the remarks."""
        return [line for line in talk.text().splitlines() if line and not line[0].isdigit() and ":" not in line]

    for number in itertools.count():
        if time.time() - begin > Options.seconds:
            break
        path, expected = asked[number % len(asked)]
        before = len(said())
        play(path).wait()
        # A reply of the model that ships takes less than three seconds.
        time.sleep(3.5)
        heard = words(" ".join(said()[before:]))
        shares.append((time.time() - begin, len([w for w in expected if w in heard]) / max(len(expected), 1)))
        if memory is None and time.time() - begin > min(60, Options.seconds / 4):
            memory, descriptors, begun = talk.memory(), talk.descriptors(), len(talk.frames())
    grown, kept = talk.memory() - memory, talk.descriptors()
    rows = talk.finish()
    # A minute has nine questions or so, each once: a single one is a tenth.
    first = [share for at, share in shares if at < 120]
    last = [share for at, share in shares if at > shares[-1][0] - 120]
    early, late = slack(rows[begun : begun + 750]), slack(rows[-750:])
    print(f"  {Options.seconds:.0f} s, {len(rows)} frames, {len(shares)} questions; {witness.stop()}")
    measure("the queue at the end is the queue at the start", abs(late - early) < 3, f"slack {early:.1f} -> {late:.1f} ms")
    measure("no late frame", talk.count("late") == 0, f"{talk.count('late')} late, least slack {min(int(r['slack_us']) for r in rows[begun:]) / 1000:.1f} ms")
    measure("no xrun", talk.xruns() == 0, f"{talk.xruns()} xruns, {talk.count('gaps')} gaps, {talk.count('skipped')} skipped, {talk.count('unheard')} unheard, {talk.count('concealed')} concealed")
    measure("resident memory is flat", abs(grown) <= 1024, f"{grown:+d} kB of {memory} kB")
    check("descriptors are equal", kept == descriptors, f"{descriptors} -> {kept}")
    share = lambda list: 100 * sum(list) / max(len(list), 1)
    check(
        "the last answers are as right as the first", len(first) > 0 and share(last) > share(first) - 15,
        f"{share(first):.0f} % of the words of a file's reply in the first two minutes, {share(last):.0f} % in the last two, {share([s for _, s in shares]):.0f} % in all")
    print("  " + talk.figures())


HELD = 38  # one step in so many is held up: every three seconds


def asked_aloud(extra, seconds, before=None):
    """A conversation in which question follows question, and what came out of the loudspeaker."""
    talk = Talk(mirror=False, extra=["--greedy", *extra], before=before)
    recorder, begin, asked = speaker_monitor(), time.monotonic(), questions()
    for number in itertools.count():
        if time.monotonic() - begin > seconds:
            break
        record([recorder], until=play(asked[number % len(asked)][0]))
        record([recorder], 3)
    rows = talk.finish()
    recorder.stop()
    return talk, rows, recorder.samples


def holes(samples):
    """Places where sound breaks off: 5 ms without any, right after 20 ms above -46 dB."""
    found, quiet, span = 0, 0, RATE // 50
    for index, sample in enumerate(samples):
        quiet = quiet + 1 if abs(sample) <= 1 else 0
        first = index + 1 - quiet
        if quiet == RATE // 200 and first >= span:
            found += sum(s * s for s in samples[first - span : first]) / span > 164**2
    return found


def conceal():
    """The model's step is held up by 100 ms every three seconds, or the machine is busy: drafted frames fill in."""
    seconds = max(Options.seconds / 2, 20)
    hold = ["--hold", f"{HELD}:100"]
    plain, _, sound = asked_aloud([*hold, "--conceal", "off"], seconds)
    check("without concealment there are gaps", plain.count("gaps") > 0, f"{plain.count('gaps')} gaps, sound breaks off {holes(sound)} times")
    talk, rows, sound = asked_aloud([*hold, "--conceal", "on"], seconds)
    concealed = [i for i, r in enumerate(rows) if r["source"] == "conceal"]
    events = len([i for i in concealed if i - 1 not in concealed])
    held = len(rows) // HELD
    measure("with it there is none", talk.count("gaps") == 0 and holes(sound) == 0, f"{talk.count('gaps')} gaps, sound breaks off {holes(sound)} times")
    check("each event is counted", events >= held - 1, f"{held} steps held up, {events} concealed, by {talk.count('concealed')} frames")
    usual = slack(rows[10:30])
    late = [i for i in concealed if i + 14 < len(rows) and abs(slack(rows[i + 9 : i + 14]) - usual) > 10]
    measure("the delay is back within a second", not late, f"{len(concealed) - len(late)} of {len(concealed)} times; slack {usual:.1f} ms")
    print("  " + talk.figures())
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
    try:
        for word in ["off", "on"]:
            talk, rows, sound = asked_aloud(["--conceal", word], seconds, before=without_real_time)
            print(f"  every core busy, no real-time priority, concealment {word}: {talk.figures()}")
        measure("no gap beside a busy machine", talk.count("gaps") == 0, f"{talk.count('gaps')} gaps, {talk.count('concealed')} frames concealed")
    finally:
        for hog in hogs:
            hog.kill()


def drift():
    """The loudspeaker's clock runs 500 ppm fast."""
    card("stop")
    card("start", "--speaker-drift", "500")
    try:
        steady(Talk(), "drift")
    finally:
        card("stop")
        card("start")
