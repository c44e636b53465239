/** Beginnings and ends of demos and rebuilds, and what happens to groups, as they are seen from one sample to the next. */
import type { DemoReport } from '../demo.ts';
import type { RebuildReport } from '../rebuild.ts';
import type { GroupFlow, NewMark } from './pulse-report.ts';

type Membership = Pick<GroupFlow, 'state' | 'members' | 'generation'>;

const GONE = new Set(['Empty', 'Dead']);

export class RunMarks {
  #demo: DemoReport | null = null;
  #rebuild: RebuildReport | null = null;
  #groups: ReadonlyMap<string, Membership> | null = null;

  /** The first call only looks. */
  see(demo: DemoReport | null, rebuild: RebuildReport | null, groups: readonly GroupFlow[]): NewMark[] {
    const marks = [...this.#ofDemo(demo), ...this.#ofRebuild(rebuild), ...this.#ofGroups(groups)];
    this.#demo = demo;
    this.#rebuild = rebuild;
    this.#groups = new Map(
      [...(this.#groups ?? []), ...groups.map((group) => [group.group, group] as const)].slice(-256),
    );
    return marks;
  }

  #ofDemo(demo: DemoReport | null): NewMark[] {
    const before = this.#demo;
    if (demo === null || (before?.state === demo.state && before.seed === demo.seed)) return [];
    const size = demo.requested === 0 ? '' : ` of ${count(demo.requested)} events`;
    const ended = demo.state === 'DONE' && demo.balanced ? 'ended, balanced' : 'ended, not balanced';
    const text = {
      RUNNING: `Demo${size} began`,
      DONE: `Demo${size} ${ended}`,
      FAILED: `Demo${size} failed: ${demo.error ?? 'no reason was given'}`,
    }[demo.state];
    return [{ kind: 'demo', text, link: '/?demo=open' }];
  }

  #ofRebuild(rebuild: RebuildReport | null): NewMark[] {
    const before = this.#rebuild;
    if (rebuild === null || (before?.id === rebuild.id && before.state === rebuild.state)) return [];
    const { projection, state, started_at, ended_at, error, folded } = rebuild;
    const link = `/state/${projection}`;
    const begun: NewMark = { at: started_at, kind: 'rebuild', text: `Rebuild of ${projection} began`, link };
    if (state === 'RUNNING') return [begun];
    const how = {
      DONE: `is done, ${count(folded)} records read`,
      FAILED: `failed: ${error?.message ?? 'no reason was given'}`,
      CANCELLED: 'was cancelled',
    }[state];
    const end: NewMark = { at: ended_at!, kind: 'rebuild', text: `Rebuild of ${projection} ${how}`, link };
    return before?.id === rebuild.id ? [end] : [begun, end];
  }

  #ofGroups(groups: readonly GroupFlow[]): NewMark[] {
    const known = this.#groups;
    if (known === null) return [];
    return groups.flatMap((group) => {
      const text = groupText(group, known.get(group.group));
      return text === null
        ? []
        : [{ kind: 'group' as const, text, link: `/consumers/${encodeURIComponent(group.group)}` }];
    });
  }
}

function groupText(now: GroupFlow, before: Membership | undefined): string | null {
  const name = now.handler ?? now.group;
  if (before === undefined) return now.members === null || now.members === 0 ? null : `${name} is new: ${members(now)}`;
  const isGone = now.state !== null && GONE.has(now.state);
  if (isGone && before.state !== null && !GONE.has(before.state)) return `${name} has no members any more`;
  const rebalanced = now.generation !== null && before.generation !== null && now.generation > before.generation;
  if (rebalanced) return `${name} was rebalanced: generation ${now.generation}${membersPart(now)}`;
  if (now.members !== null && before.members !== null && now.members !== before.members)
    return `${name} has ${members(now)}, had ${before.members}`;
  return null;
}

function membersPart(group: GroupFlow): string {
  return group.members === null ? '' : `, ${members(group)}`;
}

function members({ members: n }: GroupFlow): string {
  return n === 1 ? '1 member' : `${n} members`;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
