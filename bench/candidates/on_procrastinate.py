import os

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from bench.candidates import tasks

_DATABASE = os.environ["BENCH_DATABASE"]
app = App(connector=PsycopgConnector(conninfo=_DATABASE))


@app.task(name="deliver")
def deliver(reference: str) -> None:
    tasks.work(reference)


def main() -> None:
    with app.replace_connector(SyncPsycopgConnector(conninfo=_DATABASE)) as sync, sync.open():
        task = sync.tasks["deliver"]
        tasks.main(lambda reference: task.defer(reference=reference), sync.schema_manager.apply_schema)


if __name__ == "__main__":
    from bench.candidates import on_procrastinate  # noqa: PLW0406 - under the name that the workers know

    on_procrastinate.main()
