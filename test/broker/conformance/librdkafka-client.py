"""What librdkafka.test.ts has done by librdkafka: one command, its arguments as JSON, its results as JSON lines."""

import json
import signal
import sys

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)


def say(**fields):
    print(json.dumps(fields), flush=True)


def produce(bootstrap, topic, codecs, count):
    for codec in codecs:
        producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": codec, "linger.ms": 5}
        )
        delivered, failed = [], []

        def report(error, message):
            if error is None:
                delivered.append(message.offset())
            else:
                failed.append(str(error))

        for i in range(count):
            producer.produce(
                topic,
                key=f"key-{i}",
                value=f"{codec} record number {i}",
                headers=[("codec", codec), ("n", str(i))],
                partition=0,
                on_delivery=report,
            )
        producer.flush(30)
        say(codec=codec, first=min(delivered), delivered=len(set(delivered)), failed=failed)


def consume(bootstrap, topic, group, **config):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 100,
            **config,
        }
    )
    running = True

    def stop(*_):
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)

    def told(what):
        return lambda _, partitions: say(event=what, partitions=sorted(p.partition for p in partitions))

    consumer.subscribe([topic], on_assign=told("assigned"), on_revoke=told("revoked"), on_lost=told("lost"))
    while running:
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            say(event="error", code=message.error().name(), message=message.error().str())
            if message.error().fatal():
                break
        else:
            say(
                event="record",
                partition=message.partition(),
                offset=message.offset(),
                key=message.key() and message.key().decode(),
                value=message.value() and message.value().decode(),
            )
    consumer.close()


def admin(bootstrap, topic, group):
    client = AdminClient({"bootstrap.servers": bootstrap})

    def settled(futures):
        results = {}
        for key, future in futures.items():
            try:
                results[str(key)] = [future.result(10), None]
            except KafkaException as error:
                results[str(key)] = [None, error.args[0].name()]
        return results

    def only(futures):
        (future,) = futures.values()
        return future.result(10)

    def refused(futures):
        ((_, error),) = settled(futures).values()
        return error

    new = [NewTopic(topic, 2, 1, config={"retention.ms": "60000"}), NewTopic("no/topic", 1, 1), NewTopic("three", 1, 3)]
    say(created={name: error for name, (_, error) in settled(client.create_topics(new)).items()})
    say(created_again=refused(client.create_topics([NewTopic(topic, 1, 1)])))
    only(client.create_partitions([NewPartitions(topic, 3)]))
    listed = client.list_topics(timeout=10)
    say(topics={name: len(each.partitions) for name, each in listed.topics.items()}, cluster=listed.cluster_id)
    cluster = client.describe_cluster().result(10)
    say(nodes=[f"{node.host}:{node.port}" for node in cluster.nodes])
    (description,) = [future.result(10) for future in client.describe_topics(TopicCollection([topic])).values()]
    say(described=description.name, partitions=len(description.partitions), internal=description.is_internal)

    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    change = ConfigResource(
        ConfigResource.Type.TOPIC,
        topic,
        incremental_configs=[
            ConfigEntry("cleanup.policy", "compact,delete", incremental_operation=AlterConfigOpType.SET),
            ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE),
        ],
    )
    only(client.incremental_alter_configs([change]))
    configs = only(client.describe_configs([resource]))
    say(configs={name: configs[name].value for name in ("cleanup.policy", "retention.ms")})

    producer = Producer({"bootstrap.servers": bootstrap})
    for i in range(5):
        producer.produce(topic, key=str(i), value=str(i), partition=0)
    producer.flush(10)
    partition = TopicPartition(topic, 0)
    deleted = only(client.delete_records([TopicPartition(topic, 0, 2)]))
    earliest = only(client.list_offsets({partition: OffsetSpec.earliest()}))
    latest = only(client.list_offsets({partition: OffsetSpec.latest()}))
    say(low_watermark=deleted.low_watermark, earliest=earliest.offset, latest=latest.offset)

    request = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 4)])
    only(client.alter_consumer_group_offsets([request]))
    (offsets,) = only(client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])).topic_partitions
    say(committed=[offsets.topic, offsets.partition, offsets.offset])
    say(groups=[each.group_id for each in client.list_consumer_groups().result(10).valid])
    described = only(client.describe_consumer_groups([group]))
    say(group=described.group_id, state=described.state.name, members=len(described.members))
    only(client.delete_consumer_groups([group]))
    say(groups=[each.group_id for each in client.list_consumer_groups().result(10).valid])
    only(client.delete_topics([topic]))
    say(deleted_again=refused(client.delete_topics([topic])))


def transaction(bootstrap):
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": "tx"})
    try:
        producer.init_transactions(60)
    except KafkaException as error:
        say(code=error.args[0].name(), message=error.args[0].str())


COMMANDS = {each.__name__: each for each in (produce, consume, admin, transaction)}
COMMANDS[sys.argv[1]](**json.loads(sys.argv[2]))
