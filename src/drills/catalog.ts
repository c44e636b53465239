import { KitError } from '../kit/errors.ts';
import type { Drill } from './drill.ts';
import { brokerDiskFull } from './scenarios/broker-disk-full.ts';
import { brokerFreeze } from './scenarios/broker-freeze.ts';
import { brokerKill } from './scenarios/broker-kill.ts';
import { clockJump, clockJumpEmbedded } from './scenarios/clock-jump.ts';
import { consumerKill } from './scenarios/consumer-kill.ts';
import { controllerKill } from './scenarios/controller-kill.ts';
import { diskFull } from './scenarios/disk-full.ts';
import { networkPartition } from './scenarios/network-partition.ts';
import { noQuorum } from './scenarios/no-quorum.ts';
import { poisonFlood } from './scenarios/poison-flood.ts';
import { powerLoss } from './scenarios/power-loss.ts';
import { rebalanceStorm } from './scenarios/rebalance-storm.ts';
import { redisFreeze } from './scenarios/redis-freeze.ts';
import { redisLoss } from './scenarios/redis-loss.ts';
import { rollingRestart } from './scenarios/rolling-restart.ts';
import { zombieConsumer } from './scenarios/zombie-consumer.ts';

/** In the order in which `--all` runs them. */
export const DRILLS: readonly Drill[] = [
  brokerKill,
  brokerFreeze,
  controllerKill,
  rollingRestart,
  noQuorum,
  networkPartition,
  brokerDiskFull,
  consumerKill,
  zombieConsumer,
  poisonFlood,
  redisLoss,
  redisFreeze,
  rebalanceStorm,
  clockJump,
  clockJumpEmbedded,
  powerLoss,
  diskFull,
];

/** The ones that every run of the tests affords. */
export const SHORT_SELECTION: readonly string[] = ['broker-kill', 'consumer-kill', 'no-quorum', 'power-loss'];

/** @throws KitError UNKNOWN_DRILL */
export function drillNamed(name: string): Drill {
  const drill = DRILLS.find((one) => one.name === name);
  if (drill !== undefined) return drill;
  const known = DRILLS.map((one) => one.name).join(', ');
  throw new KitError('UNKNOWN_DRILL', `there is no drill ${name}; there are ${known}`);
}
