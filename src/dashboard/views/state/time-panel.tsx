/** The slider over the log: where records came, where the reader stands, and steps by event, minute and hour. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { LogRangeJson } from '../../../api/log-range.ts';
import { ago, count, dateTime, duration, plural } from '../../format.ts';
import { nowMs } from '../../now.ts';
import { Button, TextField } from '../../parts/controls.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { setQuery } from '../../router.ts';
import { Activity } from './activity.tsx';
import {
  axisOf,
  clamp,
  keyStep,
  momentOf,
  momentText,
  type Neighbours,
  type Step,
  stepped,
  zoomed,
} from './time-model.ts';

interface TimePanelProps {
  readonly range: LogRangeJson;
  /** Null: now. */
  readonly at: number | null;
  readonly neighbours: Neighbours;
  readonly isZoomed: boolean;
  /** From now, just before the newest event that changed the row. */
  readonly beforeNewest: () => void;
  readonly choose: (at: number | null) => void;
}

export function TimePanel({ range, at, neighbours, isZoomed, beforeNewest, choose }: TimePanelProps) {
  const axis = axisOf(range);
  if (range.first === null)
    return (
      <Panel title="Time">
        <Empty title="The log is empty">
          <p>
            There is no past to look at yet. <a href="/topics?tab=publish">Publish an event</a>, or run the demo on the{' '}
            <a href="/">first page</a>.
          </p>
        </Empty>
      </Panel>
    );
  const stands = at ?? axis.to;
  const isFromNow = (step: Step, back: boolean) => at === null && step === 'event' && back;
  const take = (step: Step, back: boolean) => {
    if (isFromNow(step, back)) return beforeNewest();
    const to = stepped(stands, step, back, axis, neighbours);
    if (to !== null) choose(to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const asked = keyStep(event.key, event.shiftKey);
    if (asked === null) return;
    event.preventDefault();
    take(asked.step, asked.back);
  };
  return (
    <Panel
      title="Time"
      note={`${plural(range.records, 'record')} from ${dateTime(range.first)} to ${dateTime(range.last!)}`}
      actions={
        <>
          <Button small kind="quiet" onClick={() => zoom(zoomed(axis, clamp(stands, axis)))}>
            Zoom in
          </Button>
          <Button small kind="quiet" disabled={!isZoomed} onClick={() => setQuery({ from: null, to: null })}>
            Whole log
          </Button>
        </>
      }
    >
      <div class="state-time">
        <Activity range={range} axis={axis} at={at} />
        <input
          class="state-slider"
          type="range"
          aria-label="Time"
          aria-valuetext={at === null ? 'now' : dateTime(at)}
          aria-describedby="state-slider-keys"
          min={axis.from}
          max={axis.to}
          step={1}
          value={clamp(stands, axis)}
          onKeyDown={onKeyDown}
          onInput={(event) => choose(Number(event.currentTarget.value))}
        />
        <div class="state-axis small muted" aria-hidden="true">
          <span>{dateTime(axis.from)}</span>
          <span>
            a bar is {duration(range.bucket_ms)}
            {range.partitions_counted < range.partitions &&
              `, of ${count(range.partitions_counted)} of ${count(range.partitions)} partitions`}
          </span>
          <span>{dateTime(axis.to)}</span>
        </div>
        <div class="row end state-steps">
          <ExactTime at={at} choose={choose} />
          <fieldset class="state-step-group">
            <legend class="visually-hidden">Steps</legend>
            {STEPS.map(({ step, back, text, label }) => (
              <Button
                key={label}
                small
                label={label}
                disabled={!isFromNow(step, back) && stepped(stands, step, back, axis, neighbours) === null}
                onClick={() => take(step, back)}
              >
                {text}
              </Button>
            ))}
          </fieldset>
          <Button small kind={at === null ? 'primary' : 'plain'} pressed={at === null} onClick={() => choose(null)}>
            Now
          </Button>
          <span class="small muted" data-figure="time.chosen">
            {at === null ? 'as it is now' : `as it was ${ago(at, nowMs.value)}`}
          </span>
        </div>
        <p class="small muted" id="state-slider-keys">
          On the slider: <kbd>←</kbd> <kbd>→</kbd> an event of this row, with <kbd>Shift</kbd> a minute, <kbd>Page</kbd>{' '}
          up and down an hour, <kbd>Home</kbd> and <kbd>End</kbd> the ends.
        </p>
      </div>
    </Panel>
  );
}

const STEPS: readonly { readonly step: Step; readonly back: boolean; readonly text: string; readonly label: string }[] =
  [
    { step: 'hour', back: true, text: '−1 h', label: '−1 h: an hour back' },
    { step: 'minute', back: true, text: '−1 min', label: '−1 min: a minute back' },
    { step: 'event', back: true, text: '← event', label: '← event: just before the event before' },
    { step: 'event', back: false, text: 'event →', label: 'event →: just after the next event' },
    { step: 'minute', back: false, text: '+1 min', label: '+1 min: a minute forward' },
    { step: 'hour', back: false, text: '+1 h', label: '+1 h: an hour forward' },
  ];

function zoom({ from, to }: { readonly from: number; readonly to: number }): void {
  setQuery({ from: momentText(from), to: momentText(to) });
}

/** What is typed counts when it is a time and Enter is pressed, or the field is left. */
function ExactTime({ at, choose }: Pick<TimePanelProps, 'at' | 'choose'>) {
  const shown = at === null ? '' : dateTime(at);
  const typed = useSignal(shown);
  useEffect(() => {
    typed.value = shown;
  }, [shown, typed]);
  const found = momentOf(typed.value);
  const wrong = typed.value !== '' && found === null;
  const take = () => {
    if (typed.value === '') choose(null);
    else if (found !== null && typed.value !== shown) choose(found);
  };
  return (
    <form
      class="state-exact"
      onSubmit={(event) => {
        event.preventDefault();
        take();
      }}
      onFocusOut={take}
    >
      <TextField
        label="Exact time"
        value={typed.value}
        spellcheck={false}
        placeholder="now"
        error={wrong ? 'as 2026-05-27 14:03:07.120' : null}
        onInput={(value) => {
          typed.value = value;
        }}
      />
    </form>
  );
}
