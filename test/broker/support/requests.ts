/** Every kind of request that the broker answers, drawn at random. */
import { HANDLERS } from '../../../src/broker/handlers.ts';
import type { Api } from '../../../src/broker/protocol/layout.ts';
import { type BatchSpec, buildBatch } from './batches.ts';
import type { Draw } from './draw.ts';
import { GROUP_REQUESTS } from './group-requests.ts';
import { LOG_REQUESTS, type Make } from './log-requests.ts';
import type { Message } from './world.ts';

export const APIS: ReadonlyMap<string, Api> = new Map(HANDLERS.map(({ api }) => [api.name, api]));
const MAKERS: Readonly<Record<string, Make>> = { ...LOG_REQUESTS, ...GROUP_REQUESTS };

/** How often a kind comes, 1 where nothing is said. */
const WEIGHTS: Readonly<Record<string, number>> = {
  Produce: 14,
  Fetch: 8,
  ListOffsets: 5,
  CreateTopics: 4,
  Metadata: 2,
  DeleteTopics: 1.5,
  DeleteRecords: 3,
  InitProducerId: 2,
  IncrementalAlterConfigs: 2,
  JoinGroup: 10,
  SyncGroup: 8,
  Heartbeat: 4,
  LeaveGroup: 3,
  OffsetCommit: 6,
  OffsetFetch: 5,
  DescribeGroups: 3,
  ApiVersions: 0.5,
};

export interface DrawnRequest {
  readonly api: string;
  readonly version: number;
  /** Record batches are descriptions (`BatchSpec`), for `withBatches` to build. */
  readonly message: Message;
}

/** @throws Error for an API that nobody has written requests for */
export function drawRequest(draw: Draw, { only }: { only?: readonly string[] } = {}): DrawnRequest {
  const names = only ?? [...APIS.keys()];
  const name = weighted(draw, names);
  const make = MAKERS[name];
  if (make === undefined) throw new Error(`no requests are drawn for ${name}`);
  const [first, last] = APIS.get(name)!.versions;
  const version = draw.random.between(first, last);
  return { api: name, version, message: make(draw, version) };
}

/** The message with its batches' bytes, as it is written. */
export function withBatches(message: Message, build: (spec: BatchSpec) => Buffer = buildBatch): Message {
  if (message.topicData === undefined) return message;
  return {
    ...message,
    topicData: message.topicData.map((topic: Message) => ({
      ...topic,
      partitionData: topic.partitionData.map((partition: Message) => ({
        ...partition,
        records: partition.records?.map((each: { batch: BatchSpec }) => build(each.batch)) ?? null,
      })),
    })),
  };
}

function weighted({ random }: Draw, names: readonly string[]): string {
  const weights = names.map((name) => WEIGHTS[name] ?? 1);
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return names.at(at)!;
}
