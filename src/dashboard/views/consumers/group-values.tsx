import type { GroupSummary } from '../../../api/group-schemas.ts';
import { count, duration } from '../../format.ts';
import { HALTED } from '../../halted.ts';
import { sample } from '../../live.ts';
import { Note } from '../../parts/notes.tsx';
import { State } from '../../parts/state.tsx';
import { pathTo } from '../../router.ts';
import { staleMs, stateOf, unknownLag } from './groups-model.ts';

/** As Kafka has it; of a handler of this server that can apply nothing, that. */
export function GroupState({ group, state }: { readonly group: string; readonly state: string | null }) {
  const halted = sample.value?.groups.find((one) => one.group === group)?.halted ?? null;
  const { kind, text, meaning } = stateOf(state);
  if (halted !== null)
    return (
      <span title={`The group is ${text}: ${meaning}. What it reads cannot be applied.`}>
        <State kind="bad">{HALTED[halted]}</State>
      </span>
    );
  return (
    <span title={meaning}>
      <State kind={kind}>{text}</State>
    </span>
  );
}

export function Lag({ group }: { readonly group: Pick<GroupSummary, 'lag' | 'lag_unknown'> }) {
  const unknown = unknownLag(group);
  return (
    <span title={unknown ?? undefined}>
      {count(group.lag)}
      {unknown !== null && group.lag !== null && (
        <>
          <span aria-hidden="true"> +?</span>
          <span class="visually-hidden">, {unknown}</span>
        </>
      )}
    </span>
  );
}

/** A name that goes on in the next line after a dot, where there is no room. */
export function Breakable({ text }: { readonly text: string }) {
  const [first, ...rest] = text.split('.');
  return (
    <>
      {first}
      {rest.map((part) => (
        <>
          .<wbr />
          {part}
        </>
      ))}
    </>
  );
}

/** Nothing where what is shown is fresh. */
export function StaleNote({ observedAt }: { readonly observedAt: string | null }) {
  const age = staleMs(observedAt, sample.value);
  if (age === null) return null;
  return (
    <Note kind="warn">
      The log has not told of its groups for {duration(age)}: this is what was known then.{' '}
      <a href={pathTo('cluster')}>How the brokers are</a>
    </Note>
  );
}
