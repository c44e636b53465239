/** What is known of a broker from its answers, so that requests can be made that mean something to it. */
import { NO_UUID } from '../../../src/broker/protocol/layout.ts';

export interface KnownTopic {
  readonly name: string;
  readonly partitions: number;
  readonly id: string | null;
}

export interface KnownMember {
  readonly groupId: string;
  readonly memberId: string;
  readonly instanceId: string | null;
  /** -1 while it has an id and nothing else. */
  generation: number;
  protocol: string | null;
  /** Who is to be assigned partitions; empty for a follower. */
  members: readonly string[];
  /** A request of it has no answer yet. */
  waits: boolean;
}

export interface KnownProducer {
  readonly id: string;
  epoch: number;
  /** By topic and partition. */
  readonly last: Map<string, { readonly sequence: number; readonly count: number }>;
}

// biome-ignore lint/suspicious/noExplicitAny: messages of any layout
export type Message = Record<string, any>;

const MAX_PRODUCERS = 8;
const MAX_MEMBERS = 12;

export class World {
  readonly topicNames: readonly string[];
  readonly groupIds: readonly string[];
  readonly topics = new Map<string, KnownTopic>();
  /** Of topics that are gone, too. */
  readonly topicIds: string[] = [];
  readonly members: KnownMember[] = [];
  readonly producers: KnownProducer[] = [];

  constructor(prefix: string, { topics, groups }: { topics: number; groups: number }) {
    this.topicNames = Array.from({ length: topics }, (_, i) => `${prefix}t${i}`);
    this.groupIds = Array.from({ length: groups }, (_, i) => `${prefix}g${i}`);
  }

  membersOf(groupId: string): KnownMember[] {
    return this.members.filter((member) => member.groupId === groupId);
  }

  /** @param response null: none has come (yet) */
  learn(api: string, request: Message, response: Message | null): void {
    if (response === null) {
      if (api === 'JoinGroup' || api === 'SyncGroup') this.#setWaiting(request, true);
      return;
    }
    if (api === 'JoinGroup') this.#joined(request, response);
    else if (api === 'SyncGroup') this.#setWaiting(request, false);
    else if (api === 'LeaveGroup') this.#left(request, response);
    else if (api === 'InitProducerId') this.#producer(response);
    else if (api === 'Produce') this.#produced(request, response);
    else if (api === 'Metadata') for (const each of response.topics) this.#topic(each);
    else if (api === 'DeleteTopics') for (const each of response.responses) this.#topicGone(each);
  }

  #topic({ errorCode, name, topicId, partitions }: Message): void {
    if (errorCode !== 0 || !this.topicNames.includes(name)) return;
    // older versions do not tell the id
    const id = topicId === NO_UUID ? (this.topics.get(name)?.id ?? null) : topicId;
    this.topics.set(name, { name, partitions: partitions.length, id });
    if (id !== null && !this.topicIds.includes(id)) this.topicIds.push(id);
  }

  #topicGone({ errorCode, name }: Message): void {
    if (errorCode === 0) this.topics.delete(name);
  }

  #joined({ groupId, groupInstanceId = null, memberId: before }: Message, response: Message): void {
    const { errorCode, memberId, generationId, protocolName, members } = response;
    const MEMBER_ID_REQUIRED = 79;
    const forgotten = (each: KnownMember): boolean =>
      each.groupId === groupId && (each.memberId === before || each.memberId === memberId);
    const at = this.members.findIndex(forgotten);
    if (at >= 0) this.members.splice(at, 1);
    if (errorCode !== 0 && errorCode !== MEMBER_ID_REQUIRED) return;
    this.members.push({
      groupId,
      memberId,
      instanceId: groupInstanceId,
      generation: errorCode === 0 ? generationId : -1,
      protocol: protocolName,
      members: members.map((each: Message) => each.memberId),
      waits: false,
    });
    if (this.members.length > MAX_MEMBERS) this.members.shift();
  }

  #setWaiting({ groupId, memberId }: Message, waits: boolean): void {
    for (const each of this.membersOf(groupId)) if (each.memberId === memberId) each.waits = waits;
  }

  #left({ groupId, memberId, members }: Message, { errorCode }: Message): void {
    if (errorCode !== 0) return;
    const gone = new Set([memberId, ...members.map((each: Message) => each.memberId)]);
    const stay = this.members.filter((each) => each.groupId !== groupId || !gone.has(each.memberId));
    this.members.splice(0, this.members.length, ...stay);
  }

  #producer({ errorCode, producerId, producerEpoch }: Message): void {
    if (errorCode !== 0) return;
    this.producers.push({ id: String(producerId), epoch: producerEpoch, last: new Map() });
    if (this.producers.length > MAX_PRODUCERS) this.producers.shift();
  }

  #produced({ topicData }: Message, { responses }: Message): void {
    for (const topic of topicData) {
      for (const { index, records } of topic.partitionData) {
        const batch = records?.[0]?.batch;
        const producer = this.producers.find(({ id }) => id === batch?.producer);
        const stored = responses
          .flatMap((each: Message) => each.partitionResponses)
          .some((each: Message) => each.index === index && each.errorCode === 0);
        if (producer === undefined || !stored) continue;
        producer.epoch = Math.max(producer.epoch, batch.epoch);
        producer.last.set(`${topic.name}:${index}`, { sequence: batch.sequence, count: batch.records.length });
      }
    }
  }
}
