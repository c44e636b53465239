/** What can be said of a delta without looking at any document. */
import { KitError } from '../errors.ts';
import { COUNTER_TEXT } from './deltas.ts';
import type { Condition, Delta, Effect, TopDelta } from './projection-store.ts';

const MAX_BOUND = 10_000;

/** @throws KitError INVALID_DELTA (`details.offset`): no store accepts it, now or later */
export function checkEffect(effect: Effect): void {
  const refuse = (why: string): never => {
    throw new KitError('INVALID_DELTA', `offset ${effect.offset}: ${why}`, { details: { offset: effect.offset } });
  };
  if (effect.eventId?.isWellFormed() === false) refuse('the event id is not well-formed Unicode');
  for (const delta of effect.deltas) {
    const { key, add, max, keep, period, top, when, from, each } = delta;
    if (!isName(key)) refuse('a document key must be well-formed text of at least one character');
    for (const name in add) {
      if (!isName(name)) refuse('a field name must be well-formed text of at least one character');
      if (!Number.isSafeInteger(add[name])) refuse(`${name}: counters take integers below 2^53, not ${add[name]}`);
    }
    for (const name in max) {
      const text = max[name]!;
      if (!isName(name)) refuse('a field name must be well-formed text of at least one character');
      if (!text.isWellFormed()) refuse(`${name}: the text is not well-formed Unicode`);
      if (COUNTER_TEXT.test(text)) refuse(`${name}: the text ${text} would be read back as a counter`);
      if (add !== undefined && Object.hasOwn(add, name)) refuse(`${name} is both a counter and a text`);
    }
    if (keep !== undefined) checkKeep(delta, keep, refuse);
    if (period !== undefined) checkPeriod(delta, period, refuse);
    if (top !== undefined) checkTop(delta, top, refuse);
    if (when !== undefined) checkCondition(when, refuse);
    if (from !== undefined && !isName(from)) refuse('from must name a document');
    if (each !== undefined && !isName(each)) refuse('each must name a document');
  }
}

type Refuse = (why: string) => never;

function checkKeep({ add, period, top }: Delta, keep: number, refuse: Refuse): void {
  if (!isCount(keep, 1, MAX_BOUND)) refuse(`keep must be 1 to ${MAX_BOUND}, not ${keep}`);
  if (add !== undefined || period !== undefined || top !== undefined) refuse('keep goes with max and from only');
}

function checkPeriod({ add, max, from }: Delta, period: string, refuse: Refuse): void {
  if (!isName(period) || COUNTER_TEXT.test(period))
    refuse(`the period ${period} is not a text of at least one character`);
  if (from !== undefined) refuse('period goes with add, max and top, not with from');
  for (const fields of [add, max]) {
    if (fields !== undefined && Object.hasOwn(fields, 'period')) refuse('the field period is the period itself');
  }
}

function checkTop({ add, max, from }: Delta, { item, by, capacity }: TopDelta, refuse: Refuse): void {
  if (add !== undefined || max !== undefined || from !== undefined) refuse('top goes alone or with period');
  if (!isName(item)) refuse('an item must be well-formed text of at least one character');
  if (!isCount(by, 1, Number.MAX_SAFE_INTEGER)) refuse(`${item}: by must be an integer of at least 1, not ${by}`);
  if (!isCount(capacity, 1, MAX_BOUND)) refuse(`capacity must be 1 to ${MAX_BOUND}, not ${capacity}`);
}

function checkCondition(when: Condition, refuse: Refuse): void {
  if (!isName(when.fieldsOf)) refuse('fieldsOf must name a document');
  const limit = 'atMost' in when ? when.atMost : when.moreThan;
  if (!isCount(limit, 0, Number.MAX_SAFE_INTEGER))
    refuse(`a number of fields must be an integer of at least 0, not ${limit}`);
}

function isName(text: string): boolean {
  return text !== '' && text.isWellFormed();
}

function isCount(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
