/** What the map of the flow shows: nodes, and who feeds whom. Pure. */
import type { GroupFlow, Sample, TopicFlow } from '../../../api/pulse-sample.ts';
import { compact, count, duration, plural, rate, seconds } from '../../format.ts';
import { HALTED } from '../../halted.ts';
import type { StateKind } from '../../parts/state-kind.ts';

export interface FlowNode {
  readonly id: string;
  readonly title: string;
  /** Second line. */
  readonly detail: string;
  readonly kind: StateKind;
  readonly href: string;
  /** What it is and all that is known of it, in one sentence, for who does not see the map. */
  readonly label: string;
}

export interface FlowEdge {
  readonly from: string;
  readonly to: string;
  /** Records a second; null where it is not known. */
  readonly perSecond: number | null;
  /** On the line. */
  readonly text: string;
  readonly kind: StateKind;
}

export interface Flow {
  readonly producers: FlowNode;
  readonly topics: readonly FlowNode[];
  readonly groups: readonly FlowNode[];
  readonly projections: readonly FlowNode[];
  readonly deadLetters: FlowNode | null;
  readonly edges: readonly FlowEdge[];
  /** Groups that found no place. */
  readonly left: number;
}

const MAX_GROUPS = 10;
const MAX_TOPICS = 6;
/** As the troubles have it. */
const BEHIND_SECONDS = 10;
const FAR_BEHIND_SECONDS = 60;
/** Below it nobody would call it behind. */
const NOTICED_SECONDS = 2;
const NOTICED_ERRORS_PER_SECOND = 1;

/** What each handler makes of the events, for who sees it for the first time. */
const MAKES: Readonly<Record<string, string>> = {
  engagement: 'likes, shares, comments, views',
  activity: 'events of each type',
  feed: 'what each user sees',
  notifications: 'what each user is told',
  analytics: 'active users, top contents',
  moderation: 'hidden and removed contents',
  sessions: 'who is signed in',
};

export function flowOf(sample: Sample): Flow {
  const shown = sample.groups.filter(isShown).slice(0, MAX_GROUPS);
  const read = new Set(shown.flatMap(({ topics }) => topics));
  const topics = sample.topics
    .filter(({ name }) => !isDerived(name) && (read.has(name) || isOwn(name)))
    .sort((a, b) => placeOf(a.name) - placeOf(b.name))
    .slice(0, MAX_TOPICS);
  const groups = besideTheirTopics(shown, topics);
  const known = new Set(topics.map(({ name }) => name));
  const handlers = groups.filter(({ handler }) => handler !== null);
  return {
    producers: producersNode(sample),
    topics: topics.map(topicNode),
    groups: groups.map(groupNode),
    projections: handlers.map(projectionNode),
    deadLetters: deadLettersNode(sample),
    edges: [
      ...topics.map(writing),
      ...groups.flatMap((group) =>
        group.topics.filter((name) => known.has(name)).map((name) => reading(name, group, topics)),
      ),
      ...handlers.map(applying),
      ...sample.topics.filter(({ name, end }) => name.endsWith(DEAD) && (end ?? 0) > 0).map(burying),
    ],
    left: sample.groups.length - groups.length,
  };
}

const OWN_TOPICS = ['user-actions', 'content-interactions', 'system-events'];
const isOwn = (name: string): boolean => OWN_TOPICS.includes(name);
const DEAD = '.dlq';
const isDerived = (name: string): boolean => name.endsWith(DEAD) || name.endsWith('.retry');
const placeOf = (name: string): number => (isOwn(name) ? OWN_TOPICS.indexOf(name) : OWN_TOPICS.length);

/** By the middle of what they read, so that few lines cross. */
function besideTheirTopics(groups: readonly GroupFlow[], topics: readonly TopicFlow[]): GroupFlow[] {
  const middle = ({ topics: read }: GroupFlow): number => {
    const places = topics.flatMap(({ name }, index) => (read.includes(name) ? [index] : []));
    return places.length === 0 ? topics.length : places.reduce((total, place) => total + place, 0) / places.length;
  };
  return groups.toSorted((a, b) => middle(a) - middle(b));
}

/** Others without members are told of in the table. */
const isShown = ({ handler, members }: GroupFlow): boolean => handler !== null || (members ?? 0) > 0;

function producersNode({ producer, topics }: Sample): FlowNode {
  const written = sum(topics.filter(({ name }) => !isDerived(name)).map(({ per_second }) => per_second));
  const failing = producer.errors_per_second > 0;
  return {
    id: 'producers',
    title: 'Producers',
    detail: rate(written),
    kind: failing ? 'bad' : (written ?? 0) > 0 ? 'busy' : 'idle',
    href: '/topics?tab=publish',
    label: `Producers: ${rate(written)} are written, ${count(producer.sent)} published by this server so far, ${rate(producer.errors_per_second)} fail`,
  };
}

function topicNode({ name, partitions, end, per_second }: TopicFlow): FlowNode {
  return {
    id: `topic ${name}`,
    title: name,
    detail: end === null ? 'not known now' : `${count(end)} records`,
    kind: (per_second ?? 0) > 0 ? 'busy' : 'idle',
    href: `/topics/${encodeURIComponent(name)}`,
    label: `Topic ${name}: ${plural(partitions, 'partition')}, ${count(end)} records, ${rate(per_second)}`,
  };
}

function behindState({ halted, lag, lag_seconds, members }: GroupFlow): 'bad' | 'warn' | 'ok' {
  if (halted !== null || (members === 0 && lag > 0) || (lag_seconds ?? 0) >= FAR_BEHIND_SECONDS) return 'bad';
  return (lag_seconds ?? 0) >= BEHIND_SECONDS ? 'warn' : 'ok';
}

const isUnknown = ({ lag, lag_seconds }: Pick<GroupFlow, 'lag' | 'lag_seconds'>): boolean =>
  lag === 0 && lag_seconds === null;

/** Whether more fails than succeeds: a single event that nobody can read is no fault of the group, and is told of where it lies. */
const isFailing = ({ per_second, errors_per_second }: GroupFlow): boolean =>
  (errors_per_second ?? 0) > Math.max(per_second ?? 0, NOTICED_ERRORS_PER_SECOND);

/** A warning is for what an operator should see to: events that wait for their retry are under way. */
export function groupState(group: GroupFlow): StateKind {
  const behind = behindState(group);
  if (behind !== 'ok') return behind;
  if (isFailing(group)) return 'warn';
  if ((group.per_second ?? 0) > 0 || (group.parked ?? 0) > 0) return 'busy';
  return isUnknown(group) ? 'idle' : 'ok';
}

/** `up to date`, `1.2k behind, 40 s`; a group that has never told where it is may be anywhere. */
export function lagText({ lag, lag_seconds }: Pick<GroupFlow, 'lag' | 'lag_seconds'>): string {
  if (isUnknown({ lag, lag_seconds })) return 'lag not known';
  if (lag === 0) return 'up to date';
  const behind = `${compact(lag)} behind`;
  return (lag_seconds ?? 0) < NOTICED_SECONDS ? behind : `${behind}, ${seconds(lag_seconds)}`;
}

function groupNode(group: GroupFlow): FlowNode {
  const name = group.handler ?? group.group;
  const how = standing(group);
  return {
    id: `group ${group.group}`,
    title: name,
    detail: how,
    kind: groupState(group),
    href: `/consumers/${encodeURIComponent(group.group)}`,
    label: `Consumer group ${group.group} reads ${group.topics.join(', ')}: ${how}, ${rate(group.per_second)} applied, ${rate(group.errors_per_second)} failed`,
  };
}

/** What stops it first; a group that is stopped is not called up to date. */
function standing(group: GroupFlow): string {
  const { halted, lag, members, parked } = group;
  const texts = [
    halted === null ? null : HALTED[halted],
    members === 0 ? 'no members' : null,
    isFailing(group) ? `${rate(group.errors_per_second)} fail` : null,
    halted !== null && lag === 0 ? null : lagText(group),
    (parked ?? 0) > 0 ? `${compact(parked)} parked` : null,
  ];
  return texts.filter((text) => text !== null).join(' · ');
}

function projectionNode({ handler, halted, end_to_end }: GroupFlow): FlowNode {
  const makes = MAKES[handler ?? ''] ?? 'state';
  const isAway = halted === 'store_unavailable';
  const latency = end_to_end === null ? 'nothing in the last 10 s' : `p99 ${duration(end_to_end.p99_ms)} end to end`;
  const detail = isAway ? 'its store does not answer' : latency;
  return {
    id: `projection ${handler}`,
    title: makes,
    detail: end_to_end === null && !isAway ? '' : detail,
    kind: isAway ? 'bad' : 'ok',
    href: `/state/${encodeURIComponent(handler ?? '')}`,
    label: `Projection ${handler}: ${makes}; ${detail}`,
  };
}

function deadLettersNode({ dead_letters: { depth } }: Sample): FlowNode | null {
  if (depth === null) return null;
  return {
    id: 'dead letters',
    title: 'dead letters',
    detail: depth === 0 ? 'none open' : `${count(depth)} open`,
    kind: depth === 0 ? 'idle' : 'warn',
    href: '/failures',
    label: `Dead letters: ${depth === 0 ? 'none' : count(depth)} open`,
  };
}

function writing({ name, per_second }: TopicFlow): FlowEdge {
  return { from: 'producers', to: `topic ${name}`, perSecond: per_second, text: shortRate(per_second), kind: 'busy' };
}

/** What flows to a group is what its topic gets: how much of each topic it has read is not measured. */
function reading(name: string, group: GroupFlow, topics: readonly TopicFlow[]): FlowEdge {
  const topic = topics.find((one) => one.name === name);
  const moves = group.per_second === null || group.per_second > 0;
  return {
    from: `topic ${name}`,
    to: `group ${group.group}`,
    perSecond: moves ? (topic?.per_second ?? null) : 0,
    text: '',
    kind: behindState(group),
  };
}

function applying(group: GroupFlow): FlowEdge {
  const { group: name, handler, per_second } = group;
  return {
    from: `group ${name}`,
    to: `projection ${handler}`,
    perSecond: per_second,
    text: shortRate(per_second),
    kind: behindState(group),
  };
}

/** What was given up of a topic is in its dead letter topic. */
function burying({ name, per_second }: TopicFlow): FlowEdge {
  return {
    from: `topic ${name.slice(0, -DEAD.length)}`,
    to: 'dead letters',
    perSecond: per_second,
    text: shortRate(per_second),
    kind: 'warn',
  };
}

function shortRate(perSecond: number | null): string {
  return perSecond === null || perSecond === 0 ? '' : `${compact(perSecond)}/s`;
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}
