import os

from celery import Celery

from bench.candidates import tasks

app = Celery("bench", broker=f"redis+socket://{os.environ['BENCH_REDIS']}")
app.conf.update(task_ignore_result=True)


@app.task(name="deliver")
def deliver(reference: str) -> None:
    tasks.work(reference)


if __name__ == "__main__":
    tasks.main(deliver.delay)
