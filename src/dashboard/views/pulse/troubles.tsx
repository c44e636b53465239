import type { Demo, Mark, Trouble } from '../../../api/pulse-sample.ts';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import type { StateKind } from '../../parts/state-kind.ts';
import { Time } from '../../parts/values.tsx';
import { withQuery } from '../../router.ts';

const KINDS: Readonly<Record<Trouble['severity'], StateKind>> = { critical: 'bad', warning: 'warn', info: 'idle' };
const MAX_SHOWN = 8;

/** The seeds of trouble in plain words, worst first. Told to screen readers when they change. */
export function Troubles({ troubles }: { readonly troubles: readonly Trouble[] }) {
  return (
    <ul class="troubles" aria-live="polite" aria-label="Needs attention">
      {troubles.length === 0 && (
        <li>
          <State kind="ok">All is well: everything keeps up, nothing is set aside.</State>
        </li>
      )}
      {troubles.map(({ severity, text, link }) => (
        <li key={text}>
          <State kind={KINDS[severity]}>
            <span class="visually-hidden">{severity}: </span>
            {link === null ? text : <a href={link}>{text}</a>}
          </State>
        </li>
      ))}
    </ul>
  );
}

/** What happened last, newest first. */
export function Happened({ marks, demo }: { readonly marks: readonly Mark[]; readonly demo: Demo | null }) {
  const newest = marks.slice(-MAX_SHOWN).reverse();
  return (
    <Panel title="What happened" note="brokers, leaders, groups, demos, drills, rebuilds">
      {newest.length === 0 ? (
        <p class="muted">Nothing since this server started.</p>
      ) : (
        <ol class="happened">
          {newest.map(({ at, text, link }, index) => (
            <li key={`${at} ${index}`}>
              <Time at={at} as="ago" />
              <span>{link === null ? text : <a href={link}>{text}</a>}</span>
            </li>
          ))}
        </ol>
      )}
      {demo !== null && demo.state !== 'RUNNING' && (
        <p class="small">
          <a href={withQuery({ demo: 'open' })}>The books of the last demo</a>
        </p>
      )}
    </Panel>
  );
}
