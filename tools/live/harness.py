"""What the scenarios of tools/live-check share: the virtual card, a running `antiphon talk`, sound in and out."""
import array, atexit, csv, ctypes, os, resource, signal, subprocess, sys, tempfile, time, wave

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
CARD = os.path.join(TOOLS, "virtual-card")
RATE = 48000


class Options:
    binary = None
    codec = None
    model = None
    seconds = 40.0
    counts_only = False


failures = []


def check(name, ok, detail):
    """A count or an equality: fails everywhere."""
    print(f"  {'ok  ' if ok else 'FAIL'} {name}: {detail}", flush=True)
    if not ok:
        failures.append(name)


def measure(name, ok, detail):
    """A time or a level: with --counts-only it is told and does not fail, since a busy machine bends it."""
    if Options.counts_only:
        print(f"  {'ok  ' if ok else 'over'} {name}: {detail}", flush=True)
    else:
        check(name, ok, detail)


def card(*arguments):
    done = subprocess.run([CARD, *arguments], capture_output=True, text=True)
    if done.returncode == 77:
        sys.stderr.write(done.stderr)
        sys.exit(77)
    for line in done.stdout.splitlines():
        if line.startswith("export "):
            name, value = line[7:].split("=", 1)
            os.environ[name] = value.strip("'")


def server_process():
    """The server's process number; 0 while there is none."""
    try:
        return int(open(os.path.dirname(os.environ["ALSA_CONFIG_PATH"]) + "/pulse.pid").read())
    except (FileNotFoundError, ValueError):
        return 0


def without_real_time():
    """In a child before it begins: no real-time priority, even for root (PR_CAPBSET_DROP of CAP_SYS_NICE)."""
    ctypes.CDLL(None).prctl(24, 23)
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))


def write_wav(path, samples, rate=RATE):
    with wave.open(path, "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(rate)
        file.writeframes(array.array("h", [int(max(-1, min(1, s)) * 32767) for s in samples]).tobytes())


def read_wav(path):
    data = open(path, "rb").read()
    body = data[data.find(b"data") + 8 :]
    return array.array("h", body[: len(body) // 2 * 2])


def speech():
    """The recorded question as a WAV file that paplay takes, and its samples at 48 kHz."""
    return os.path.join(ROOT, "Assets/audio/question.flac")


def play(path):
    return subprocess.Popen(["paplay", "-d", "micfeed", "--latency-msec=20", path])


class Witness:
    """Counts how often the machine itself stood still."""

    def __init__(self):
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([sys.executable, os.path.join(TOOLS, "live/witness.py")], stdout=self.output)
        atexit.register(self.process.kill)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.output.seek(0)
        stalls = [float(line.split()[1]) for line in self.output]
        if stalls:
            return f"the machine itself stood still for more than 10 ms {len(stalls)} times, at most {max(stalls):.0f} ms"
        return "the machine itself never stood still for more than 10 ms"


class Recorder:
    """Records a monitor, and knows when each sample passed: the earliest arrival of all blocks sets the clock."""

    def __init__(self, server, source):
        self.process = subprocess.Popen(
            ["parec", "-s", server, "-d", source, "--raw", f"--rate={RATE}", "--channels=1", "--format=s16le",
             "--latency-msec=10"], stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.samples = array.array("h")
        self.rest = b""
        self.offset = None

    def take(self):
        while True:
            try:
                block = os.read(self.process.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not block:
                return
            now = time.monotonic()
            block = self.rest + block
            self.rest = block[len(block) // 2 * 2 :]
            self.samples.frombytes(block[: len(block) // 2 * 2])
            offset = now - len(self.samples) / RATE
            if self.offset is None or offset < self.offset:
                self.offset = offset

    def stop(self):
        self.process.terminate()
        self.process.wait()


def record(recorders, seconds=None, until=None):
    """Lets sound flow into the recorders for a time, or until a process ends."""
    end = time.monotonic() + (seconds or 600)
    while time.monotonic() < end and (until is None or until.poll() is None):
        for recorder in recorders:
            recorder.take()
        time.sleep(0.002)


def microphone_monitor():
    return Recorder(os.environ["PULSE_SERVER"], "micfeed.monitor")


def speaker_monitor():
    return Recorder(os.environ["SPEAKER_SERVER"], "speaker.monitor")


class Talk:
    """A running `antiphon talk` that records."""

    def __init__(self, echo="none", mirror=True, extra=(), before=None):
        self.directory = tempfile.mkdtemp(prefix="antiphon-live-")
        command = [Options.binary, "talk", "--input", "vmic", "--output", "vspk", "--echo", echo]
        command += ["--record", self.directory, "--overwrite", *extra]
        if mirror:
            command += ["--mirror", "--codec", Options.codec]
        elif Options.model:
            command += ["--model", Options.model]
        self.output = open(os.path.join(self.directory, "output.txt"), "w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, preexec_fn=before)
        atexit.register(self.process.kill)
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit("antiphon ended: " + self.text())
            if len(self.frames()) > 3:
                return
            time.sleep(0.1)
        sys.exit("antiphon did not start: " + self.text())

    def text(self):
        self.output.flush()
        return open(self.output.name).read()

    def frames(self):
        try:
            with open(os.path.join(self.directory, "frames.csv")) as file:
                rows = list(csv.DictReader(l for l in file if not l.startswith("#")))
        except FileNotFoundError:
            return []
        return [r for r in rows if r.get("motion_lag_us") is not None and r.get("slack_us")]

    def finish(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(30)
        return self.frames()

    def memory(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def figures(self):
        """The last line of figures, after `finish`."""
        lines = [l for l in self.text().splitlines() if "queue" in l and "late" in l]
        return lines[-1] if lines else self.text()

    def count(self, word):
        """A count out of the last line of figures, such as `late` or `gaps`."""
        words = self.figures().replace(",", "").replace(";", "").split()
        return int(words[words.index(word) + 1])

    def xruns(self):
        words = self.figures().replace(",", "").replace(";", "").split()
        at = words.index("xruns")
        return int(words[at + 1]) + int(words[at + 3])


def middle(values):
    values = sorted(values)
    return values[len(values) // 2] if values else float("nan")


def span(rows, begin, end):
    """The median time between two columns, in milliseconds."""
    return middle([(int(r[end]) - int(r[begin])) / 1000 for r in rows if r[begin] and r[end]])


def slack(rows):
    return middle([int(r["slack_us"]) / 1000 for r in rows])
