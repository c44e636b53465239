import { kafkaForTests, redisForTests } from './cluster.ts';
import { type LiveOptions, type LivePlatform, launchPlatform } from './live-platform.ts';

export interface LiveKafka extends AsyncDisposable {
  readonly live: LivePlatform;
  readonly bootstrap: readonly string[];
}

/** As `launchPlatform`, on the tests' Kafka and Redis. Others use them too: take groups and topics of your own. */
export async function launchOnKafka(
  groupId: string,
  redisDb: number,
  options: Omit<LiveOptions, 'flags'> = {},
): Promise<LiveKafka> {
  await using opened = new AsyncDisposableStack();
  const { bootstrap } = opened.adopt(await kafkaForTests(), (open) => open.stop());
  const redis = opened.adopt(await redisForTests(), (open) => open.stop());
  const live = opened.use(
    await launchPlatform({
      ...options,
      flags: {
        log: 'kafka',
        bootstrap: bootstrap.join(','),
        groupId,
        redisHost: redis.host,
        redisPort: String(redis.port),
        redisDb: String(redisDb),
      },
    }),
  );
  const all = opened.move();
  return { live, bootstrap, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
