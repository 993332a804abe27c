"""What a person writes for a warehouse: a folder, an address in an object store, or something that is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from tallystick.errors import InputError, SetupError, hide_keys
from tallystick.places import RemotePath, local_home, object_store, to_place
from tallystick.places.object_store import ObjectStore
from tallystick.runs.arguments import parse, render
from tallystick.runs.params import VacuumTables
from tallystick.tables import Warehouse


@pytest.mark.parametrize("text", ["w", "./s3:/x", "/lake/s3a:/b", "a b/c:d"])
def test_a_folder_stays_one(text: str) -> None:
    assert to_place(text) == Path(text).absolute()
    assert not isinstance(to_place(text), RemotePath)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("s3://lake/w", r"write s3a://lake/w"),
        ("s3n://lake/w", r"write s3a://lake/w"),
        ("gs://lake/w", r"a folder, s3a://bucket/path"),
        ("file:///lake/w", r"a folder, s3a://bucket/path"),
        ("HDFS://name:9000/w", r"a folder, s3a://bucket/path, hdfs://namenode:port/path, viewfs://cluster/path"),
        ("webhdfs://name:9000/w", r"a folder, s3a://bucket/path, hdfs://namenode:port/path"),
        ("hdfs://name:9000", r"no path in a store.*hdfs://namenode:port/path"),
        ("hdfs:///w", r"no path in a store"),
        ("hdfs://name:port/w", r"no path in a store"),
        ("hdfs://me@name:9000/w", r"no path in a store"),
        ("viewfs://lake:1/w", r"no path in a store"),
        ("s3a://lake", r"no path in a store"),
        ("s3a://lake/", r"no path in a store"),
        ("s3a://lake/a/../b", r"no path in a store"),
        ("s3a://Lake_1/w", r"no path in a store"),
        ("s3a:lake/w", r"no path in a store"),
        ("hdfs://name:65536/w", r"no path in a store"),
        ("hdfs://a..b:9000/w", r"no path in a store"),
        (f"hdfs://{'a' * 64}:9000/w", r"no path in a store"),
        (" s3a://lake/w", r"before the address stands ' '"),
        ("\ns3a://lake/w", r"before the address stands '\\n'"),
        ("\u200bhdfs://lake/w", r"before the address stands '\\u200b'"),
        ("'s3a://lake/w'", r"write the address alone"),
    ],
)
def test_any_other_address_is_refused_with_what_to_write(text: str, told: str) -> None:
    for given in (text, Path(text)):
        with pytest.raises(InputError, match=told):
            to_place(given)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3a://MYID:MY/SE:CR+ET@lake/w", "s3a://...@lake/w"),
        ("s3://MYID:MYSECRET@lake/w", r"s3://...@lake/w: s3:// is not known (write s3a://lake/w)"),
        ("hdfs://me:MYSECRET@name:9000/w", "hdfs://...@name:9000/w"),
        ("abfss://box@account/w?sig=MYSECRET", "abfss://...?...: "),
        ("wasb://account/w?sig=MYSECRET", "wasb://account/w?...: "),
        ("s3a://MYID:MY?SE#CRET@lake/w", "s3a://...?...: "),
        ("S3A://MYID:MYSECRET@lake/w", "S3A://...@lake/w"),
        (" s3a://MYID:MYSECRET@lake/w", "s3a://...@lake/w"),
        ("s3a://MYID:MYSE\nCRET@lake/w", "s3a://...@lake/w"),
        ("s3a://MYID:MYSECRET/lake/w", "s3a://.../lake/w"),
    ],
)
def test_what_opens_an_address_is_in_no_sentence(text: str, shown: str) -> None:
    for given in (text, Path(text)):
        with pytest.raises(InputError) as told:
            to_place(given)
        sentence = str(told.value)
        assert not any(key in sentence for key in ("MYID", "SECRET", "CR")), sentence
        if given == text:
            assert shown in sentence
    assert "SECRET" not in str(SetupError("it failed", where="here", fix=f"see {text}, or not"))


@pytest.mark.parametrize(
    "text",
    [
        "hdfs://name:9000: it failed (hdfs://namenode:port/path)", "s3a://lake: none (http://object-store:9000)",
        "sqlite:////tmp/a@b/mlflow.db: none", "at http://mlflow:5000, now", "models:/cash@champion: none",
    ],
)  # fmt: skip
def test_an_address_without_keys_is_shown_whole(text: str) -> None:
    assert hide_keys(text) == text


@pytest.mark.parametrize("store", ["s3a://lake", "hdfs://name:9000", "viewfs://lake"])
@pytest.mark.parametrize("name", ["a b", "ä", "a{b}", "w ", "a#b", "a?b", "a%b", "a%20b", "a\nb", "a*b", "a+b", "a\\b"])
def test_a_warehouse_in_a_store_has_a_path_that_all_read_alike(store: str, name: str) -> None:
    with pytest.raises(SetupError, match=r"not all read alike \(in a store: letters A to Z") as told:
        Warehouse(f"{store}/{name}/w")
    assert str(told.value).isprintable()
    assert ("?" in name or "#" in name) or "/w:" in str(told.value)
    assert str(Warehouse(f"{store}/Bank_2/w-1.x=y").root) == f"{store}/Bank_2/w-1.x=y"


@pytest.mark.parametrize("name", ["a b", "ä", "a#b", "a?b"])
def test_a_folder_may_be_called_as_its_owner_likes(name: str, tmp_path: Path) -> None:
    assert Warehouse(tmp_path / name).root == tmp_path / name


def test_an_address_stays_what_it_was_as_a_path() -> None:
    place = to_place("s3a://lake/bank/w/")
    assert str(place) == "s3a://lake/bank/w"
    inside = place / "clean" / "events"
    assert isinstance(inside, RemotePath)
    assert (inside.bucket, inside.key) == ("lake", "bank/w/clean/events")
    assert (inside.relative_to(place).as_posix(), inside.name) == ("clean/events", "events")
    assert pickle.loads(pickle.dumps(inside)) == inside
    assert to_place(Path("s3a://lake/bank/w")) == place == place.resolve() == to_place(place)


@pytest.mark.parametrize("text", ["hdfs://name:9000/bank/w", "hdfs://nameservice1/bank/w", "viewfs://lake/bank/w"])
def test_an_address_on_a_hadoop_file_system_stays_what_it_was(text: str) -> None:
    place = to_place(f"{text}/")
    assert (str(place), place) == (text, to_place(Path(text)))
    assert isinstance(place, RemotePath)
    assert (place.bucket, place.key) == (text.split("/")[2], "bank/w")
    assert isinstance(pickle.loads(pickle.dumps(place / "clean")), RemotePath)


def test_what_an_address_cannot_do_touches_no_disk() -> None:
    place = to_place("s3a://lake/w")
    with pytest.raises(SetupError, match="works in a folder only"):
        place.rename("w2")
    with pytest.raises(SetupError, match="works in a folder only"):
        open(place)  # noqa: PTH123, SIM115 - the builtin, as a library would


def test_a_command_line_keeps_the_address(tmp_path: Path) -> None:
    told = VacuumTables(project=tmp_path, warehouse=to_place("s3a://lake/w"), run_id="r")
    assert render(told)[2:4] == ["--warehouse", "s3a://lake/w"]
    assert parse(VacuumTables, render(told)) == told


def test_what_is_no_table_needs_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_home(tmp_path) == tmp_path
    monkeypatch.delenv("TALLYSTICK_LOCAL", raising=False)
    with pytest.raises(SetupError, match="set TALLYSTICK_LOCAL"):
        local_home(to_place("s3a://lake/w"))
    monkeypatch.setenv("TALLYSTICK_LOCAL", str(tmp_path))
    assert local_home(to_place("s3a://lake/w")) == tmp_path / "lake" / "w"


def test_no_two_stores_share_what_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_LOCAL", str(tmp_path))
    homes = {local_home(to_place(f"{scheme}://lake/w")) for scheme in ("s3a", "hdfs", "viewfs")}
    assert len(homes) == 3
    assert homes == {tmp_path / part / "lake" / "w" for part in ("", "hdfs_stores", "viewfs_stores")}
    with pytest.raises(InputError):
        to_place("s3a://hdfs_stores/lake/w")  # what would share that of HDFS


class Failing:
    """A client all of whose requests fail in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def ask(*_: Any, **__: Any) -> Any:
            raise self.error

        return ask


def answer(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Ask")


ASKED: list[Callable[[ObjectStore, str], object]] = [
    lambda store, _: store.look("k"),
    lambda store, _: store.age("k"),
    lambda store, _: list(store.find("k/")),
    lambda store, _: store.read("k"),
    lambda store, _: store.read_end("k", 1),
    lambda store, _: store.write("k", b""),
    lambda store, path: store.upload("k", path),
    lambda store, path: store.download("k", f"{path}.copy"),
    lambda store, _: store.write_where("k", b""),
    lambda store, _: store.create("k", b""),
    lambda store, _: store.remove("k"),
]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (answer("SlowDown", 503), "the object store failed 8 times: SlowDown"),
        (answer("AccessDenied", 403), "the object store refused: AccessDenied"),
        (answer("NoSuchBucket", 404), "there is no such bucket"),
        (EndpointConnectionError(endpoint_url="http://k:s@lake"), "does not answer: EndpointConnectionError"),
        (S3UploadFailedError("k:s"), "does not answer: S3UploadFailedError"),
        (RetriesExceededError(OSError("k:s")), "does not answer: RetriesExceededError"),
        (ResponseParserError("k:s"), "does not answer: ResponseParserError"),
    ],
)
def test_whatever_a_store_fails_at_is_one_sentence(
    error: Exception, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "_client", lambda: Failing(error))
    (tmp_path / "file").write_bytes(b"x")
    for ask in ASKED:
        with pytest.raises(SetupError, match=told) as ended:
            ask(ObjectStore("lake"), str(tmp_path / "file"))
        assert "k:s" not in str(ended.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:9000", "lake", "ftp://lake", "http://", "http://k:s@lake", "http://lake:99999", "http://lake/?k=s",
        "http://la ke",
    ],
)  # fmt: skip
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_an_address_of_the_store_that_is_none_is_one_sentence(
    variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv(variable, address)
    with pytest.raises(SetupError, match=f"{variable}: the address of the object store cannot be used") as told:
        object_store.endpoint()
    assert address not in str(told.value).replace("http://object-store", "")
    for good in ("http://object-store:9000", "https://s3.eu-1.example.com/lake/", "http://[::1]:9000"):
        monkeypatch.setenv(variable, good)
        assert object_store.endpoint() == good
