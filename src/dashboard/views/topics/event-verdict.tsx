import { bytes } from '../../format.ts';
import { Note, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { pathTo } from '../../router.ts';
import type { Check } from './event-check.ts';

export function CheckState({ check }: { readonly check: Check }) {
  switch (check.state) {
    case 'checking':
      return <State kind="busy">checking</State>;
    case 'valid':
      return <State kind="ok">valid</State>;
    case 'unknown':
      return <State kind="warn">could not be checked</State>;
    default:
      return <State kind="bad">not valid</State>;
  }
}

export function Verdict({ check }: { readonly check: Check }) {
  return (
    <Panel title="Check">
      <div class="stack" aria-live="polite">
        {check.state === 'checking' && <p class="muted">…</p>}
        {check.state === 'refused' && <Note kind="bad">{check.message}</Note>}
        {check.state === 'unknown' && <ProblemNote problem={check.problem} />}
        {check.state === 'invalid' && (
          <>
            <Note kind="bad">
              {check.answer.errors.length === 0 ? check.answer.detail : 'The server would refuse it:'}{' '}
              <code>{check.answer.code}</code>
            </Note>
            <ul class="errors">
              {check.answer.errors.map(({ path, message }) => (
                <li key={path}>
                  <code>{path === '' ? 'the event' : path}</code> {message}
                </li>
              ))}
            </ul>
          </>
        )}
        {check.state === 'valid' && (
          <p>
            It would go to{' '}
            <a href={`${pathTo('topics', check.answer.topic)}?partition=${check.answer.partition}`}>
              {check.answer.topic}, partition {check.answer.partition}
            </a>
            , since its key is <code>{check.answer.key}</code>; its value has {bytes(check.answer.value_bytes)}.
          </p>
        )}
      </div>
    </Panel>
  );
}
