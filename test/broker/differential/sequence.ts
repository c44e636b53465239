/** Sequences of requests, drawn by a seed, and how they are played again. */
import { Random } from '../../simulation/random.ts';
import { DAMAGE_KINDS, type Damage } from '../support/batches.ts';
import { Draw } from '../support/draw.ts';
import { APIS, type DrawnRequest, drawRequest } from '../support/requests.ts';
import { World } from '../support/world.ts';
import { Comparison, type ComparisonOptions, Mismatch } from './comparison.ts';
import { Side, type Step } from './side.ts';

export interface Ports {
  readonly ours: number;
  readonly kafka: number;
}

export interface Played {
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly mismatch: Mismatch | null;
}

const CONNECTIONS = 6;
const TOPICS = 3;
const GROUPS = 2;
const SESSION_MS = 60_000;
/** Answered otherwise as a whole, see `known-differences.ts`; played, they would make all that follows differ. */
const LEFT_OUT: ReadonlySet<string> = new Set(['ConsumerGroupHeartbeat']);
const NOT_PLAYED: ReadonlySet<Damage> = new Set([
  'transactional',
  'unknownCompression',
  'appendTime',
  'shortLength',
  'beyondDoubles',
  'farFuture',
  'beforeTime',
]);
const DAMAGES = DAMAGE_KINDS.filter((kind) => !NOT_PLAYED.has(kind));
const NAMES = [...APIS.keys()].filter((name) => !LEFT_OUT.has(name));

let sequences = 0;

/** Names of topics and groups begin with it; always as long. */
function newPrefix(): string {
  sequences++;
  return `d${String(sequences + (Date.now() % 100_000) * 1_000).padStart(8, '0')}-`;
}

export function playSeed(ports: Ports, seed: number, steps: number, options: ComparisonOptions = {}): Promise<Played> {
  const prefix = newPrefix();
  const random = new Random(seed);
  return within(ports, prefix, seed, options, async (comparison) => {
    const draw = new Draw(random, comparison.world, { now: Date.now(), sessionMs: SESSION_MS, damages: DAMAGES });
    while (comparison.steps.length < steps && !comparison.haveParted) {
      const busy = new Set(comparison.waiting.map(({ connection }) => connection));
      const free = Array.from({ length: CONNECTIONS - 1 }, (_, i) => i).filter((each) => !busy.has(each));
      // Everybody waits for somebody else: it would take minutes to go on.
      if (free.length === 0) return;
      await comparison.play({ ...next(draw, comparison, free.length), connection: random.pick(free) });
    }
  });
}

/** The same steps under other names, in brokers that have seen others. */
export function playAgain(ports: Ports, { seed, steps }: Played): Promise<Played> {
  const prefix = newPrefix();
  return within(ports, prefix, seed, {}, async (comparison) => {
    for (const step of steps) {
      if (comparison.haveParted) return;
      if (comparison.waiting.some(({ connection }) => connection === step.connection)) continue;
      await comparison.play(renamed(step, prefix) as Step);
    }
  });
}

/** Leaves out steps, as long as the same mismatch is the outcome. Takes as many plays as there are steps. */
export async function shrunk(ports: Ports, played: Played): Promise<Played> {
  const kind = ({ mismatch }: Played): string => `${mismatch?.step.api} ${mismatch?.differences[0]?.path}`;
  let best = played;
  for (let at = best.steps.length - 2; at >= 0; at--) {
    const shorter = await playAgain(ports, { ...best, steps: best.steps.toSpliced(at, 1) });
    if (kind(shorter) === kind(played)) best = shorter;
  }
  return best;
}

async function within(
  ports: Ports,
  prefix: string,
  seed: number,
  options: ComparisonOptions,
  play: (comparison: Comparison) => Promise<void>,
): Promise<Played> {
  const sides = {
    ours: new Side('ours', ports.ours, { prefix, connections: CONNECTIONS }),
    kafka: new Side('Kafka', ports.kafka, { prefix, connections: CONNECTIONS }),
  };
  const world = new World(prefix, { topics: TOPICS, groups: GROUPS });
  const comparison = new Comparison(sides, world, options);
  let mismatch: Mismatch | null = null;
  try {
    await play(comparison);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    mismatch = error;
  } finally {
    for (const side of [sides.ours, sides.kafka]) {
      await side.ask('DeleteTopics', 1, { topicNames: world.topicNames, timeoutMs: 10_000 });
      await side.close();
    }
  }
  return { seed, steps: comparison.steps, mismatch };
}

/** Where members wait for others, somebody has to move. */
function next(draw: Draw, comparison: Comparison, freeConnections: number): DrawnRequest {
  const { idleMember: member } = comparison;
  if (member === undefined || !draw.random.chance(freeConnections > 2 ? 0.4 : 0.9))
    return drawRequest(draw, { only: NAMES });
  const leads = member.members.length > 0;
  const isMember = member.generation >= 0;
  const api = draw.random.pick(
    leads
      ? ['SyncGroup', 'SyncGroup', 'JoinGroup', 'LeaveGroup']
      : isMember
        ? ['JoinGroup', 'LeaveGroup', 'SyncGroup']
        : ['JoinGroup'],
  );
  const request = drawRequest(draw, { only: [api] });
  const { groupId, memberId, instanceId, generation } = member;
  const identity = { groupId, memberId, groupInstanceId: instanceId };
  return { ...request, message: { ...request.message, ...identity, generationId: generation, members: [identity] } };
}

function renamed(given: unknown, prefix: string): unknown {
  const rename = (text: string): string => text.replaceAll(/d\d{8,}-/g, prefix);
  if (typeof given === 'string') return rename(given);
  if (given === null || typeof given !== 'object') return given;
  if (Buffer.isBuffer(given)) return Buffer.from(rename(given.toString('latin1')), 'latin1');
  if (Array.isArray(given)) return given.map((each) => renamed(each, prefix));
  return Object.fromEntries(Object.entries(given).map(([name, each]) => [name, renamed(each, prefix)]));
}
