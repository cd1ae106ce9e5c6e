from bench.candidates import tasks


def deliver(reference: str) -> None:
    tasks.work(reference)


if __name__ == "__main__":
    from django_q.tasks import async_task

    tasks.main(lambda reference: async_task("bench.candidates.on_djangoq.deliver", reference))
