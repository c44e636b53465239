/** One fault of each kind, and of some kinds several. */
import { deadLetterHeaders, readDeadLetter } from '../../../src/kit/dlq/dead-letter.ts';
import {
  acceptedOf,
  at,
  isTaken,
  keyAt,
  type Plant,
  pick,
  publishesOf,
  sentOnce,
  singleEffects,
  sourceLogs,
  take,
  takeEffect,
  transactionsOf,
} from './planted.ts';
import type { Ownership, Publish } from './world.ts';

export const PLANTS: Readonly<Record<string, Plant>> = {
  'an acknowledgement of something that another record has the place of'(scene) {
    const place = pick(scene, sourceLogs(scene));
    if (place === null) return null;
    const offset = scene.world.random.integer(place.latest);
    take(scene, [
      scene.world.write({ ...ghost(scene), topic: place.topic, outcome: 'acked', partition: place.partition, offset }),
    ]);
    return { kind: 'lost-acknowledged', says: ['ghost', at(place, offset)] };
  },

  'an acknowledgement beyond the end of the log'(scene) {
    const place = pick(scene, sourceLogs(scene));
    if (place === null) return null;
    const { topic, partition, latest: offset } = place;
    take(scene, [scene.world.write({ ...ghost(scene), topic, outcome: 'acked', partition, offset })]);
    return { kind: 'lost-acknowledged', says: ['ghost', at(place, offset)] };
  },

  'an acknowledgement of another place than the record has'(scene) {
    const publish = take(scene, sentOnce(scene));
    if (publish === null) return null;
    const { topic, partition, offset } = publish;
    const place = { topic, partition: partition! };
    publish.offset = scene.world.log(place).length + 3;
    return { kind: 'lost-acknowledged', says: [publish.eventId!, at(place, publish.offset), at(place, offset!)] };
  },

  'an event that is in the log twice and was sent once'(scene) {
    const byId = Map.groupBy(publishesOf(scene), ({ eventId }) => eventId);
    const twice = [...byId.values()].filter((sent) => {
      const places = new Set(sent.map(({ partition, offset }) => `${partition}@${offset}`));
      return (
        sent.length > 1 &&
        sent[0]!.eventId !== null &&
        places.size === sent.length &&
        sent.every((one) => isAcked(one) && !isTaken(one))
      );
    });
    const sent = pick(scene, twice);
    if (sent === null) return null;
    const publish = pick(scene, sent)!;
    for (const one of sent) take(scene, [one]);
    scene.world.history.splice(scene.world.history.indexOf(publish), 1);
    return { kind: 'duplicate-in-log', says: [publish.eventId!, publish.topic] };
  },

  'two records of a key that were sent in the other order'(scene) {
    const stored = publishesOf(scene).filter((publish) => isAcked(publish) && recordOf(scene, publish) !== undefined);
    const claims = Map.groupBy(stored, ({ topic, partition, offset }) => at({ topic, partition: partition! }, offset!));
    const alone = [...claims.values()].flatMap((sent) => (sent.length === 1 ? sent : []));
    const keys = Map.groupBy(alone, ({ process, topic, key }) => `${process} ${topic} ${key}`);
    const sent = pick(
      scene,
      [...keys.values()].filter((all) => all.length > 1 && all[0]!.key !== ''),
    );
    if (sent === null) return null;
    const [first, second] = [take(scene, sent), take(scene, sent)];
    if (first === null || second === null) return null;
    [first.sequence, second.sequence] = [second.sequence, first.sequence];
    return { kind: 'reordered-in-log', says: [`"${first.key}"`, first.process, `${first.topic}/`] };
  },

  'an event that is in the log though it was refused'(scene) {
    const publish = take(scene, sentOnce(scene));
    if (publish === null) return null;
    const place = at({ ...publish, partition: publish.partition! }, publish.offset!);
    Object.assign(publish, { outcome: 'failed', partition: null, offset: null, code: 'RECORD_TOO_LARGE' });
    return { kind: 'aborted-read', says: [publish.eventId!, place] };
  },

  'an event that nobody sent'(scene) {
    const publish = take(scene, sentOnce(scene));
    if (publish === null) return null;
    scene.world.history.splice(scene.world.history.indexOf(publish), 1);
    return {
      kind: 'phantom',
      says: [publish.eventId!, at({ ...publish, partition: publish.partition! }, publish.offset!)],
    };
  },

  'poison that nobody sent'(scene) {
    const poison = publishesOf(scene).filter(({ eventId }) => eventId === null);
    const keys = Map.groupBy(poison, ({ key }) => key);
    const publish = pick(
      scene,
      [...keys.values()].flatMap((sent) => (sent.length === 1 && isAcked(sent[0]!) ? sent : [])),
    );
    if (publish === null) return null;
    scene.world.history.splice(scene.world.history.indexOf(publish), 1);
    return { kind: 'phantom', says: ['poison', at({ ...publish, partition: publish.partition! }, publish.offset!)] };
  },

  'a replay of what was never dead'(scene) {
    const dead = new Set(lettersOf(scene).map((letter) => readDeadLetter(letter)!.id));
    const sent = sentOnce(scene).filter(
      ({ topic, partition, offset }) => !dead.has(`${scene.world.groupOf(topic).id}/${topic}/${partition}/${offset}`),
    );
    const publish = take(scene, sent);
    if (publish === null) return null;
    const place = { topic: publish.topic, partition: publish.partition! };
    const log = scene.world.log(place);
    const record = log[publish.offset!]!;
    const replayOf = ['streamsocial-replay-of', Buffer.from('user-actions/1/9999')] as const;
    log[publish.offset!] = { ...record, headers: [...record.headers, replayOf] };
    scene.world.history.splice(scene.world.history.indexOf(publish), 1);
    return { kind: 'phantom', says: [at(place, publish.offset!), 'user-actions/1/9999'] };
  },

  'a log that ends before its end'(scene) {
    const place = pick(scene, scene.partitions);
    if (place === null) return null;
    place.latest += 1;
    return { kind: 'hole-in-log', says: [`${place.topic}/${place.partition}`, `offset ${place.latest - 1}`] };
  },

  'an offset that is read twice'(scene) {
    const place = pick(
      scene,
      scene.partitions.filter(({ latest }) => latest > 0),
    );
    if (place === null) return null;
    const log = scene.world.log(place);
    const offset = scene.world.random.integer(log.length);
    log.splice(offset + 1, 0, log[offset]!);
    return { kind: 'hole-in-log', says: [`${place.topic}/${place.partition}`, `offset ${offset} comes`] };
  },

  'a record missing in the middle'(scene) {
    const place = pick(scene, sourceLogs(scene));
    if (place === null) return null;
    const offset = scene.world.random.integer(place.latest);
    scene.world.log(place).splice(offset, 1);
    return {
      kind: 'hole-in-log',
      says: [`${place.topic}/${place.partition}`, `from offset ${offset} to ${offset}`],
      also: [
        'lost-acknowledged',
        'unbalanced',
        'counter-mismatch',
        'dead-letter-mismatch',
        'phantom',
        'reordered-in-log',
      ],
    };
  },

  'effects of one key in the other order'(scene) {
    const single = singleEffects(scene).filter(({ transaction, offset }) => keyAt(scene, transaction, offset) !== '');
    const keys = Map.groupBy(
      single,
      ({ transaction, offset }) => `${transaction.topic}/${transaction.partition} ${keyAt(scene, transaction, offset)}`,
    );
    const effects = pick(
      scene,
      [...keys.values()].filter(({ length }) => length > 1),
    );
    if (effects === null) return null;
    const [one, other] = [takeEffect(scene, effects)!, takeEffect(scene, effects)!];
    if (one === other) return null;
    const first = one.transaction.offsets.indexOf(one.offset);
    const second = other.transaction.offsets.indexOf(other.offset);
    one.transaction.offsets[first] = other.offset;
    other.transaction.offsets[second] = one.offset;
    const { topic, partition, group } = one.transaction;
    return {
      kind: 'reordered-apply',
      says: [`${topic}/${partition}@`, group, keyAt(scene, one.transaction, one.offset)],
    };
  },

  'a record without an effect'(scene) {
    const effect = takeEffect(scene, singleEffects(scene));
    if (effect === null) return null;
    const { transaction, offset } = effect;
    transaction.offsets.splice(transaction.offsets.indexOf(offset), 1);
    return { kind: 'skipped-offset', says: [at(transaction, offset), transaction.group] };
  },

  'a parked record that is forgotten'(scene) {
    const effect = takeEffect(scene, singleEffects(scene));
    if (effect === null) return null;
    const { transaction, offset } = effect;
    transaction.offsets.splice(transaction.offsets.indexOf(offset), 1);
    transaction.parked.push(offset);
    return { kind: 'skipped-offset', says: [at(transaction, offset), 'parked', transaction.group] };
  },

  'an effect that is stored again later'(scene) {
    const transactions = pick(scene, acceptedOf(scene));
    if (transactions === null) return null;
    const later = pick(scene, transactions)!;
    const before = transactions.slice(0, transactions.indexOf(later)).flatMap(({ offsets }) => offsets);
    const offset = pick(scene, before);
    if (offset === null) return null;
    later.offsets.splice(scene.world.random.integer(later.offsets.length + 1), 0, offset);
    return { kind: 'repeated-offset', says: [at(later, offset), later.group] };
  },

  'a partition that another member is given meanwhile'(scene) {
    const owned = ownerships(scene).filter(({ fromMs, toMs, kind }) => kind === 'revoked' && toMs - fromMs > 3);
    const older = pick(scene, owned);
    if (older === null) return null;
    const { fromMs, toMs, group } = older;
    const place = pick(scene, older.partitions)!;
    const lengthMs = Math.min(toMs - fromMs, 2_000);
    const base = { process: 'intruder', group, memberId: 'm', partitions: [place] };
    const startMs = fromMs + lengthMs * 0.3;
    const endMs = fromMs + lengthMs * 0.6;
    scene.world.write({ ...base, kind: 'assigned', invokedMs: startMs, completedMs: startMs + 0.1 });
    scene.world.write({ ...base, kind: 'revoked', invokedMs: endMs - 0.1, completedMs: endMs });
    return { kind: 'two-owners', says: [`${place.topic}/${place.partition}`, 'intruder', older.process, group] };
  },

  'a transaction of an older owner after one of a newer'(scene) {
    const all = transactionsOf(scene);
    const pairs = acceptedOf(scene).flatMap((transactions) =>
      transactions
        // the only one of its epoch, so that it keeps its turn there
        .filter((older) => !all.some((one) => one !== older && one.epoch === older.epoch && samePlace(one, older)))
        .flatMap((older) =>
          transactions.filter(({ epoch }) => epoch > older.epoch).map((newer) => [older, newer] as const),
        ),
    );
    const pair = pick(scene, pairs);
    if (pair === null) return null;
    const [older, newer] = pair;
    older.invokedMs = newer.completedMs! + 0.01;
    older.completedMs = newer.completedMs! + 0.02;
    return { kind: 'two-owners', says: [`${older.topic}/${older.partition}`, older.process, `epoch ${older.epoch}`] };
  },

  'an epoch that two processes use'(scene) {
    const transactions = pick(
      scene,
      acceptedOf(scene).filter((all) => all.some(({ epoch }, i) => all[i + 1]?.epoch === epoch)),
    );
    if (transactions === null) return null;
    const index = transactions.findIndex(({ epoch }, i) => transactions[i + 1]?.epoch === epoch);
    const second = transactions[index + 1]!;
    second.process = 'intruder';
    return { kind: 'two-owners', says: [`${second.topic}/${second.partition}`, 'intruder', `epoch ${second.epoch}`] };
  },

  'a counter that is one too high'(scene) {
    const { documents, group } = pick(scene, scene.projections)!;
    const key = pick(scene, [...documents.keys()]);
    if (key === null) return null;
    const document = documents.get(key)!;
    const field = pick(
      scene,
      Object.keys(document).filter((name) => typeof document[name] === 'number'),
    )!;
    documents.set(key, { ...document, [field]: Number(document[field]) + 1 });
    return { kind: 'counter-mismatch', says: [group, key, field] };
  },

  'a document that is not there'(scene) {
    const { documents, group } = pick(scene, scene.projections)!;
    const key = pick(scene, [...documents.keys()]);
    if (key === null) return null;
    documents.delete(key);
    return { kind: 'counter-mismatch', says: [group, key] };
  },

  'a document of nothing'(scene) {
    const { documents, group } = pick(scene, scene.projections)!;
    documents.set('nowhere', { likes: 1 });
    return { kind: 'counter-mismatch', says: [group, 'nowhere', 'likes'] };
  },

  'a tally that is off'(scene) {
    const { states, group } = pick(scene, scene.projections)!;
    const state = pick(scene, states);
    if (state === null) return null;
    const tally = scene.world.random.pick(['applied', 'duplicates', 'dead'] as const);
    const tallies = { ...state.tallies, [tally]: state.tallies[tally] + 1 };
    states[states.indexOf(state)] = { ...state, tallies };
    return { kind: 'unbalanced', says: [group, `${state.topic}/${state.partition}`] };
  },

  'a death that was counted as an effect'(scene) {
    const { states, group } = scene.projections[0]!;
    const state = pick(
      scene,
      states.filter(({ tallies }) => tallies.dead > 0),
    );
    if (state === null) return null;
    const { applied, dead, duplicates } = state.tallies;
    states[states.indexOf(state)] = { ...state, tallies: { applied: applied + 1, dead: dead - 1, duplicates } };
    return { kind: 'unbalanced', says: [group, `${state.topic}/${state.partition}`, 'dead letter'] };
  },

  'a consumer that never ran'(scene) {
    const projection = pick(scene, scene.projections)!;
    const place = pick(
      scene,
      sourceLogs(scene).filter(({ topic }) => projection.topics.includes(topic)),
    );
    if (place === null) return null;
    projection.states = projection.states.filter((state) => !samePlace(state, place));
    return {
      kind: 'unbalanced',
      says: [projection.group, `${place.topic}/${place.partition}`, 'has not begun'],
      also: ['counter-mismatch', 'skipped-offset'],
    };
  },

  'a dead letter with other bytes'(scene) {
    const letter = pick(scene, lettersOf(scene));
    if (letter === null) return null;
    const changed = scene.world.random.pick([
      { value: Buffer.from('other') },
      { key: Buffer.from('other') },
      { headers: [['x', null] as const, ...letter.headers] },
    ]);
    scene.world.log(letter)[letter.offset] = { ...letter, ...changed };
    const { topic, partition, offset } = readDeadLetter(letter)!;
    return { kind: 'dead-letter-mismatch', says: [at(letter, letter.offset), at({ topic, partition }, offset)] };
  },

  'a stranger among the dead letters'(scene) {
    const place = scene.partitions.find(({ topic }) => topic === 'content-interactions.dlq')!;
    if (place.latest !== scene.world.log(place).length) return null;
    const { offset } = scene.world.append(place, { key: null, value: Buffer.from('?'), headers: [] });
    place.latest += 1;
    return { kind: 'dead-letter-mismatch', says: [at(place, offset)] };
  },

  'a dead letter in the wrong topic'(scene) {
    const letter = pick(
      scene,
      lettersOf(scene).filter(({ topic }) => topic === 'content-interactions.dlq'),
    );
    const place = scene.partitions.find(({ topic }) => topic === 'user-actions.dlq')!;
    if (letter === null || place.latest !== scene.world.log(place).length) return null;
    const { offset } = scene.world.append(place, letter);
    place.latest += 1;
    return { kind: 'dead-letter-mismatch', says: [at(place, offset), 'content-interactions/'] };
  },

  'a dead letter of what is not in the log'(scene) {
    const place = scene.partitions.find(({ topic }) => topic === 'content-interactions.dlq')!;
    if (place.latest !== scene.world.log(place).length) return null;
    const record = { topic: 'content-interactions', partition: 1, offset: 9_999, key: null, value: null, headers: [] };
    const letter = { record: { ...record, timestamp: 0 }, group: 'drill', code: 'X', reason: 'x' };
    const headers = deadLetterHeaders({ ...letter, deliveryCount: 1, firstFailedAt: 0 });
    const { offset } = scene.world.append(place, { key: null, value: null, headers });
    place.latest += 1;
    return { kind: 'dead-letter-mismatch', says: [at(place, offset), at(record, 9_999)] };
  },
};

function isAcked({ outcome }: { readonly outcome: string }): boolean {
  return outcome === 'acked';
}

function recordOf({ world }: Parameters<Plant>[0], { topic, partition, offset }: Publish) {
  return world.log({ topic, partition: partition! })[offset!];
}

function samePlace(a: { topic: string; partition: number }, b: { topic: string; partition: number }): boolean {
  return a.topic === b.topic && a.partition === b.partition;
}

function ghost({ world }: Parameters<Plant>[0]) {
  const invokedMs = world.tick();
  const eventId = `ghost-${world.random.integer(1_000_000)}`;
  const base = { kind: 'publish', process: 'load-3', sequence: 0, key: 'ghost', code: null } as const;
  return { ...base, eventId, invokedMs, completedMs: invokedMs + 1 };
}

function lettersOf({ world }: Parameters<Plant>[0]) {
  return [...world.logs.values()].flat().filter((record) => readDeadLetter(record) !== null);
}

/** With both ends. */
function ownerships({ world }: Parameters<Plant>[0]): (Ownership & { fromMs: number; toMs: number })[] {
  const found: (Ownership & { fromMs: number; toMs: number })[] = [];
  const open = new Map<string, number>();
  for (const entry of world.history) {
    if (entry.kind === 'publish' || entry.kind === 'apply' || entry.kind === 'mark') continue;
    const name = `${entry.process} ${entry.group}`;
    if (entry.kind === 'assigned') open.set(name, entry.invokedMs);
    else found.push({ ...entry, fromMs: open.get(name)!, toMs: entry.completedMs! });
  }
  return found;
}
