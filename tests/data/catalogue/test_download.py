"""The download path against a local server that sends whole, cut, wrong, late and refused files."""

import contextlib
import hashlib
import http.server
import io
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace

import pandas as pd
import pytest
import requests

from stlora.data.catalogue import download
from stlora.data.catalogue import entries as catalogue
from stlora.data.catalogue.checksum import check
from stlora.data.catalogue.download import get
from stlora.data.catalogue.entries import DataFile
from stlora.data.catalogue.muenster import assemble
from stlora.errors import InputError

CONTENT = bytes(range(256)) * 400  # 100 KiB
HALF = len(CONTENT) // 2


class Handler(http.server.BaseHTTPRequestHandler):
    """What the path names is what happens."""

    def do_GET(self):
        kind = self.path.strip("/")
        self.server.log.append((kind, self.headers.get("Range")))
        start = int(self.headers["Range"][len("bytes=") : -1]) if self.headers.get("Range") else 0
        if kind in ("403", "404", "500"):
            self.send_error(int(kind))
        elif kind == "redirect":
            self.reply(302, b"", {"Location": "/good"})
        elif kind == "to-file":
            self.reply(302, b"", {"Location": self.server.elsewhere})
        elif kind == "loop":
            self.reply(302, b"", {"Location": "/loop"})
        elif kind == "declared":
            self.reply(200, CONTENT, length=10**15)
        elif kind == "endless":
            self.close_connection = True
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not self.server.over.is_set():
                    self.wfile.write(CONTENT)
                    self.server.sent += len(CONTENT)
        elif kind == "wrong":
            self.reply(200, CONTENT[::-1])
        elif kind == "page":
            self.reply(200, b"<!DOCTYPE html><p>Too many people have viewed this file")
        elif kind == "hang":
            self.server.over.wait(20)
        elif kind == "no-ranges":
            self.reply(200, CONTENT)
        elif start >= len(CONTENT):
            self.send_error(416)
        else:
            status = 206 if start else 200
            first = not any(entry == (kind, None) for entry in self.server.log[:-1])
            cut = kind == "cut" or (kind == "flaky" and first)
            body = CONTENT[start : start + HALF // 2] if cut else CONTENT[start:]
            self.reply(status, body[:HALF] if kind == "stall" else body, length=len(CONTENT) - start)
            if kind == "stall":
                self.wfile.flush()
                self.server.over.wait(20)

    def reply(self, status, body, headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.log, served.over, served.daemon_threads, served.sent = [], threading.Event(), True, 0
        thread = threading.Thread(target=served.serve_forever, args=(0.02,))
        thread.start()
        yield served
        served.over.set()
        served.shutdown()
        thread.join()


@pytest.fixture
def offer(server, monkeypatch):
    """Makes ``pems04`` one file that the server offers under the kinds named."""

    def set_up(*kinds, **fields):
        urls = tuple(f"http://127.0.0.1:{server.server_port}/{kind}" for kind in kinds)
        fields = {"checksums": (f"md5:{hashlib.md5(CONTENT).hexdigest()}",), **fields}
        entry = replace(catalogue.look_up("pems04"), files=(DataFile("PEMS04.npz", urls, **fields),))
        monkeypatch.setattr(download, "look_up", lambda name: entry)

    return set_up


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["good", "redirect", "no-ranges"])
def test_whole_file_arrives(offer, tmp_path, kind):
    offer(kind)
    folder = get("pems04", tmp_path)
    assert folder == tmp_path / "pems04"
    assert names(folder) == ["PEMS04.npz"]
    assert (folder / "PEMS04.npz").read_bytes() == CONTENT


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "git"])
def test_any_checksum_that_agrees_is_enough(offer, tmp_path, algorithm):
    digests = {
        "md5": hashlib.md5(CONTENT),
        "sha256": hashlib.sha256(CONTENT),
        "git": hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT),
    }
    offer("good", checksums=("md5:" + "0" * 32,), quoted=(f"{algorithm}:{digests[algorithm].hexdigest()}",))
    assert names(get("pems04", tmp_path)) == ["PEMS04.npz"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("403", r"127.0.0.1 refuses \(403\)"),
        ("404", r"127.0.0.1 no longer has it \(404\)"),
        ("500", r"127.0.0.1 answered 500"),
        ("wrong", "sent a wrong file, which was deleted: it has md5 [0-9a-f]{32}, expected [0-9a-f]{32}"),
        ("page", r"sent a wrong file, .* \(it is a web page\)"),
    ],
)
def test_failure_says_why_and_what_else_there_is_and_leaves_nothing(offer, tmp_path, kind, reason):
    offer(kind)
    with pytest.raises(InputError, match=reason) as caught:
        get("pems04", tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("PEMS04.npz could not be downloaded")
    assert f"put PEMS04.npz into {tmp_path / 'pems04'} by hand, from https://zenodo.org/records/7816008 or" in message
    assert names(tmp_path / "pems04") == []


@pytest.mark.parametrize("kind", ["declared", "endless"])
def test_source_that_sends_more_than_the_file_can_be_is_left_at_once(offer, server, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(download, "VALUE_BYTES", 0)
    monkeypatch.setattr(download, "OTHER_BYTES", 2**20)
    offer(kind)
    with pytest.raises(InputError, match=r"127.0.0.1 sends more than the 1 MiB that the file may have"):
        get("pems04", tmp_path)
    assert server.log == [(kind, None)]
    assert server.sent < 2**25  # what was on its way
    assert names(tmp_path / "pems04") == []
    offer(kind, "good")
    assert names(get("pems04", tmp_path)) == ["PEMS04.npz"]


def test_part_that_is_too_large_already_is_removed(offer, server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "VALUE_BYTES", 0)
    monkeypatch.setattr(download, "OTHER_BYTES", 2 * len(CONTENT))
    offer("flaky")
    part(tmp_path / "pems04", server, "flaky").write_bytes(bytes(3 * len(CONTENT)))
    assert (get("pems04", tmp_path) / "PEMS04.npz").read_bytes() == CONTENT


def test_every_published_file_fits():
    for entry in catalogue.catalogue().values():
        assert download.largest(entry) > 3 * 8 * entry.nodes * entry.frames + 2**25  # three channels of float64


@pytest.mark.parametrize("where", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x"])
def test_redirect_to_what_is_not_on_the_web_is_refused(offer, server, tmp_path, where):
    server.elsewhere = where
    offer("to-file")
    with pytest.raises(InputError, match=r"127.0.0.1 leads to an address that is not on the web"):
        get("pems04", tmp_path)
    assert names(tmp_path / "pems04") == []


def test_redirects_without_end_are_left(offer, tmp_path):
    offer("loop")
    with pytest.raises(InputError, match=r"127.0.0.1 leads from address to address without end"):
        get("pems04", tmp_path)


def test_second_source_is_tried_when_the_first_fails(offer, server, tmp_path):
    offer("404", "wrong", "good", "403")
    assert (get("pems04", tmp_path) / "PEMS04.npz").read_bytes() == CONTENT
    assert [kind for kind, _ in server.log] == ["404", "wrong", "good"]


def test_transfer_that_breaks_off_goes_on_where_it_ended(offer, server, tmp_path):
    offer("flaky")
    assert (get("pems04", tmp_path) / "PEMS04.npz").read_bytes() == CONTENT
    assert server.log == [("flaky", None), ("flaky", f"bytes={HALF // 2}-")]


def test_transfer_that_breaks_off_again_and_again_goes_on_in_the_next_call(offer, server, tmp_path):
    offer("cut")
    with pytest.raises(InputError, match=r"127.0.0.1 broke off\); try again later"):
        get("pems04", tmp_path)
    assert len(server.log) == download.TRIES
    assert all(name.endswith(".part") for name in names(tmp_path / "pems04"))
    assert names(get("pems04", tmp_path)) == ["PEMS04.npz"]
    assert (tmp_path / "pems04" / "PEMS04.npz").read_bytes() == CONTENT


def part(folder, server, kind):
    url = f"http://127.0.0.1:{server.server_port}/{kind}"
    folder.mkdir(exist_ok=True)
    return folder / f".PEMS04.npz.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("good", CONTENT[:HALF]),
        ("no-ranges", CONTENT[:HALF]),  # the server ignores the range and sends all
        ("good", CONTENT),  # everything had arrived but the file had not got its name
        ("good", b"other"),  # the start of another file
        ("good", CONTENT + b"more"),
    ],
)
def test_what_an_earlier_call_left_is_used_or_replaced(offer, server, tmp_path, kind, kept):
    offer(kind)
    part(tmp_path / "pems04", server, kind).write_bytes(kept)
    assert (get("pems04", tmp_path) / "PEMS04.npz").read_bytes() == CONTENT
    assert names(tmp_path / "pems04") == ["PEMS04.npz"]


def test_stall_ends(offer, server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (1.0, 0.3))
    offer("stall", "good")
    started = time.monotonic()
    assert (get("pems04", tmp_path) / "PEMS04.npz").read_bytes() == CONTENT
    assert time.monotonic() - started < 10
    assert names(tmp_path / "pems04") == ["PEMS04.npz"]
    offer("hang")
    with pytest.raises(InputError, match=r"sent nothing for 0.3 s"):
        get("pems04", tmp_path / "again")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.exceptions.SSLError, "has no valid certificate"),
        (requests.exceptions.ConnectTimeout, "does not answer"),
        (requests.exceptions.ConnectionError, "cannot be reached"),
    ],
)
def test_dead_host_and_bad_certificate_are_told_apart(offer, tmp_path, monkeypatch, error, reason):
    offer("good")

    def fail(*_, **options):
        assert options.get("verify", True) is True
        assert options["timeout"] == download.TIMEOUT
        raise error("no matter")

    monkeypatch.setattr(requests, "get", fail)
    with pytest.raises(InputError, match=reason):
        get("pems04", tmp_path)


def test_kill_in_the_middle_leaves_no_half_file(offer, server, tmp_path):
    program = (
        "import sys; from dataclasses import replace\n"
        "from stlora.data.catalogue import download, entries as catalogue\n"
        "entry = catalogue.look_up('pems04')\n"
        "file = catalogue.DataFile('PEMS04.npz', (sys.argv[1],), ('md5:' + '0' * 32,))\n"
        "download.look_up = lambda name: replace(entry, files=(file,))\n"
        "download.get('pems04', sys.argv[2])\n"
    )
    url = f"http://127.0.0.1:{server.server_port}/stall"
    process = subprocess.Popen([sys.executable, "-c", program, url, str(tmp_path)])
    left = part(tmp_path / "pems04", server, "stall")
    deadline = time.monotonic() + 60
    while not (left.exists() and left.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left.stat().st_size
    process.kill()
    process.wait()
    assert names(tmp_path / "pems04") == [left.name]
    offer("good")
    assert names(get("pems04", tmp_path)) == ["PEMS04.npz"]


@pytest.mark.parametrize("name", ["PEMS04.npz", "flow.csv"])
def test_file_put_there_by_hand_is_used_without_network(offer, server, tmp_path, name):
    offer("404", instead=("flow.csv",))
    (tmp_path / "pems04").mkdir()
    (tmp_path / "pems04" / name).write_bytes(CONTENT)
    assert names(get("pems04", tmp_path)) == [name]
    assert server.log == []


def test_other_file_put_there_by_hand_is_refused_but_kept(offer, tmp_path):
    offer("good")
    path = tmp_path / "pems04" / "PEMS04.npz"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"PEMS04.npz has md5 .*; remove it to download it again, or read it by its"):
        get("pems04", tmp_path)
    assert path.read_bytes() == b"mine"
    offer("good", checksums=(), quoted=("md5:" + "0" * 32,))  # what others quote cannot refuse a user's file
    get("pems04", tmp_path)


def test_set_without_plain_download_says_how_to_get_it(tmp_path):
    with pytest.raises(
        InputError, match=r"nobody offers gba_his_2019.h5 as a plain download; put .*kaggle.com/datasets/liuxu77"
    ):
        get("largest-gba", tmp_path)
    with pytest.raises(InputError, match="simulated has no files to get"):
        get("simulated")


def test_folder_that_cannot_be_written_is_an_input_error(offer, tmp_path):
    offer("good")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written .* name another --root"):
        get("pems04", tmp_path / "file")


def city(months, top="repo-300f"):
    """An archive as the city's repository gives it: months as {(site, month): csv}."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(f"{top}/README.md", "counts\n")
        for (site, month), text in months.items():
            archive.writestr(f"{top}/{site}/{month}.csv", text)
    return target.getvalue()


MONTHS = {
    ("100000001", "2024-02"): "Datetime,100000001 (A),11 (in),12 (out),11-status\n2024-02-01 00:15,7,3,4,0\n",
    ("100000001", "2024-03"): "Datetime,100000001 (A),11 (renamed),12 (out),13 (car)\n2024-03-01 00:00,9,4,5,1\n",
    ("100000002", "2024-02"): "Datetime,100000002 (B),21 (in),22 (out)\n2024-02-01 00:00,1,,1\n",
    ("100000002", "2023-12"): "Datetime,100000002 (B),21 (in),22 (out)\n2023-12-01 00:00,9,9,9\n",
}


def test_monthly_files_of_muenster_become_one_table_joined_by_id(tmp_path, monkeypatch):
    monkeypatch.setattr("stlora.data.catalogue.muenster._MONTHS", ("2024-02", "2024-03"))
    (tmp_path / "radverkehr-zaehlstellen.zip").write_bytes(city(MONTHS))
    assemble(tmp_path)
    counts = pd.read_csv(tmp_path / "counts.csv", index_col="time", parse_dates=True)
    assert counts.shape == (60 * 96, 4)
    assert (str(counts.index[0]), str(counts.index[-1])) == ("2024-02-01 00:00:00", "2024-03-31 23:45:00")
    assert {channel: values.dropna().to_dict() for channel, values in counts.items()} == {
        "11": {pd.Timestamp("2024-02-01 00:15"): 3, pd.Timestamp("2024-03-01 00:00"): 4},
        "12": {pd.Timestamp("2024-02-01 00:15"): 4, pd.Timestamp("2024-03-01 00:00"): 5},
        "21": {},
        "22": {pd.Timestamp("2024-02-01 00:00"): 1},
    }


@pytest.mark.parametrize("content", [b"", b"PK no archive", city({}), city({("100000001", "2024-02"): "a,b\n1,2\n"})])
def test_archive_of_muenster_that_cannot_be_used_is_an_input_error(tmp_path, content):
    (tmp_path / "radverkehr-zaehlstellen.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"radverkehr-zaehlstellen.zip cannot be read .*; remove it and get it again"):
        assemble(tmp_path)
    assert names(tmp_path) == ["radverkehr-zaehlstellen.zip"]


def test_archive_is_recognised_by_its_tree_whatever_the_zip(tmp_path):
    path = tmp_path / "a.zip"
    tree = "git-tree:bcb194ceb1a2baff0de3c190c6634c2fcb0a0f0c"  # of `git write-tree`
    for top in ("repo-300f", "another-top"):
        path.write_bytes(city(MONTHS, top))
        check(path, (tree,))
    path.write_bytes(city({**MONTHS, ("100000003", "2024-02"): "x"}))
    with pytest.raises(InputError, match="has git-tree"):
        check(path, (tree,))
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match="has git-tree of no readable archive"):
        check(path, (tree,))
