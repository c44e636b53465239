import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exitReason } from '../../src/cluster/exit-reason.ts';

const INFO = '2026-11-21T08:35:56.600 [main] INFO kafka.log.LogManager - Loaded 0 logs\n';
const SHUTDOWN =
  '2026-11-21T08:36:23.027 [kafka-shutdown-hook] INFO kafka.server.SharedServer - Stopping SharedServer\n';

/** As Kafka 4.1.1, the JVM and Redis wrote them. */
const LOGS = {
  diskFull: `${INFO}2026-11-21T08:35:56.666 [data-plane-kafka-request-handler-0] ERROR org.apache.kafka.storage.internals.log.LogDirFailureChannel - Error while appending records to t-0 in dir /data/kafka-1
java.io.IOException: No space left on device
\tat java.base/sun.nio.ch.FileDispatcherImpl.write0(Native Method)
`,
  portInUse: `${INFO}1584 [main] ERROR kafka.network.DataPlaneAcceptor - Unable to start acceptor for BROKER
org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:26679: Address already in use.
\tat kafka.network.Acceptor.openServerSocket(SocketServer.scala:732)
Caused by: java.net.BindException: Address already in use
1713 [main] ERROR kafka.Kafka$ - Exiting Kafka due to fatal exception during startup.
org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:26679: Address already in use.
\tat kafka.network.Acceptor.openServerSocket(SocketServer.scala:732)
${SHUTDOWN}`,
  outOfMemory: `${INFO}Terminating due to java.lang.OutOfMemoryError: Java heap space\n`,
  noMemoryForTheJvm: `OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x1, 2, 0) failed; error='Not enough space' (errno=12)
#
# There is insufficient memory for the Java Runtime Environment to continue.
`,
  otherCluster: `${INFO}2026-11-21T08:36:20.001 [main] ERROR kafka.Kafka$ - Exiting Kafka due to fatal exception
java.lang.RuntimeException: Invalid cluster.id in: /data/kafka-1/meta.properties. Expected A, but read B
`,
  redisPort: `7:M 21 Nov 2026 08:36:20.001 # Warning: Could not create server TCP listening socket 127.0.0.1:6379: bind: Address already in use
7:M 21 Nov 2026 08:36:20.001 # Failed listening on port 6379 (tcp), aborting.
`,
  unknown: `${INFO}2026-11-21T08:36:20.001 [main] ERROR kafka.Kafka$ - Exiting Kafka due to fatal exception
java.lang.IllegalStateException: something else
\tat kafka.Kafka$.main(Kafka.scala:1)
${SHUTDOWN}`,
} as const;

describe('why a server ended', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-exit-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const reasonOf = async (log: keyof typeof LOGS, code: number | null = 1) => {
    const file = join(directory, `${log}.log`);
    await writeFile(file, LOGS[log]);
    return exitReason({ exitCode: code, logFile: file, dataDirectory: directory });
  };

  test('is told from its log', async () => {
    const codes = await Promise.all(
      (Object.keys(LOGS) as (keyof typeof LOGS)[]).map(async (log) => [log, (await reasonOf(log)).code] as const),
    );
    assert.deepEqual(Object.fromEntries(codes), {
      diskFull: 'DISK_FULL',
      portInUse: 'PORT_IN_USE',
      outOfMemory: 'OUT_OF_MEMORY',
      noMemoryForTheJvm: 'OUT_OF_MEMORY',
      otherCluster: 'CLUSTER_ID_MISMATCH',
      redisPort: 'PORT_IN_USE',
      unknown: null,
    });
  });

  test('comes with the words of the log that say so', async () => {
    assert.deepEqual(await reasonOf('diskFull'), {
      code: 'DISK_FULL',
      text: 'ended with exit code 1: its disk is full',
      lines: LOGS.diskFull.split('\n').slice(1, 3),
    });
    const { lines, text } = await reasonOf('unknown', 3);
    assert.deepEqual(lines, LOGS.unknown.split('\n').slice(1, 3));
    assert.equal(text, 'ended with exit code 3');
    assert.match((await reasonOf('portInUse')).lines[1]!, /failed to bind to 127\.0\.0\.1:26679/);
  });

  test('is the signal, where there was one; what was in the log before has no part in it', async () => {
    assert.deepEqual(await reasonOf('diskFull', 137), { code: null, text: 'was ended by SIGKILL', lines: [] });
    assert.equal((await reasonOf('unknown', 143)).text, 'was ended by SIGTERM');
    assert.match((await reasonOf('noMemoryForTheJvm', 134)).text, /^was ended by SIGABRT: it ran out of memory$/);
  });

  test('can be unknown: neither exit code nor log', async () => {
    const server = { logFile: join(directory, 'absent.log'), dataDirectory: join(directory, 'absent') };
    assert.deepEqual(await exitReason(server), { code: null, text: 'ended', lines: [] });
  });
});
