import './pulse.css';
import { effect, signal } from '@preact/signals';
import type { Sample } from '../../../api/pulse-sample.ts';
import { history, marks, sample } from '../../live.ts';
import { Button } from '../../parts/controls.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Loading, Note } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { query, setQuery } from '../../router.ts';
import { DemoForm } from './demo-form.tsx';
import { DemoPanel } from './demo-panel.tsx';
import { FlowMap } from './flow-map.tsx';
import { PulseCharts } from './pulse-charts.tsx';
import { PulseFigures } from './pulse-figures.tsx';
import { isUntouched } from './pulse-words.ts';
import { Happened } from './troubles.tsx';

const PUBLISH = '/topics?tab=publish';
const closeForm = () => setQuery({ run: null });
const started = () => {
  // a quick one ends before the next sample tells of it
  witnessed.value = true;
  setQuery({ run: null, demo: null });
};

/** `/`, `/?run=demo` with the demo's form open, `/?demo=open` with the last one's books, `/?span=10` for longer charts. */
export function View(_props: { readonly rest: readonly string[] }) {
  const now = sample.value;
  const untouched = now !== null && isUntouched(now);
  const isRunning = now?.runtime.state === 'DEMO_RUNNING';
  return (
    <Page
      title="Pulse"
      lead="What becomes of every event: who writes it, where it is kept, who makes what of it, and how long that takes."
      actions={
        !untouched && (
          <>
            <a class="button" href={PUBLISH}>
              Publish an event
            </a>
            <Button kind="primary" disabled={isRunning} onClick={() => setQuery({ run: 'demo' }, { replace: false })}>
              {isRunning ? 'Demo is running' : 'Run demo'}
            </Button>
          </>
        )
      }
    >
      {now === null ? <Loading what="the pulse" /> : untouched ? <Welcome now={now} /> : <Pulse now={now} />}
      {query('run') === 'demo' && !untouched && (
        <Dialog title="Run the demo" wide onClose={closeForm}>
          <p class="muted">
            Events of realistic traffic go the way that all events go, through the real producer and the real handlers.
            At the end everything in the log is counted again and compared with what the handlers have made of it.
          </p>
          <DemoForm isRunning={isRunning} onStarted={started} onCancel={closeForm} />
        </Dialog>
      )}
    </Page>
  );
}

/** Whether a demo was begun here, or seen to run, since the page was opened: then its end is of interest. */
const witnessed = signal(false);
effect(() => {
  if (sample.value?.demo?.state === 'RUNNING') witnessed.value = true;
});

function Pulse({ now }: { readonly now: Sample }) {
  const { runtime, demo, groups } = now;
  const names = new Map(groups.map(({ group, handler }) => [group, handler ?? group]));
  const wanted = query('demo');
  const isShown = demo?.state === 'RUNNING' || wanted === 'open' || (wanted !== 'closed' && witnessed.value);
  return (
    <>
      {runtime.state === 'SYSTEM_ERROR' && (
        <Note kind="bad">
          <strong>The system is in error.</strong> {runtime.cause ?? 'No cause is known.'}
        </Note>
      )}
      <PulseFigures sample={now} />
      {demo !== null && isShown && <DemoPanel demo={demo} onClose={() => setQuery({ demo: 'closed' })} />}
      <FlowMap sample={now} />
      <PulseCharts history={history.value} marks={marks.value} names={names} />
      <Happened marks={marks.value} demo={demo} />
    </>
  );
}

/** What a newcomer sees first. */
function Welcome({ now }: { readonly now: Sample }) {
  return (
    <>
      <section class="welcome" aria-labelledby="welcome">
        <h2 id="welcome">It runs. Nothing has happened yet.</h2>
        <p>
          Users register, post, like, share, follow: each of that is an event in a log, and everything that can be asked
          for is made of it by seven handlers. Play some traffic and watch it, or{' '}
          <a href={PUBLISH}>publish one event yourself</a> and follow it.
        </p>
        <DemoForm isRunning={false} onStarted={started} />
      </section>
      <FlowMap sample={now} />
      {now.troubles.length > 0 && <PulseFigures sample={now} />}
    </>
  );
}
