/** Single values: times, ids, JSON, progress. */
import { useSignal } from '@preact/signals';
import { ago, clock, dateTime, percent } from '../format.ts';
import { nowMs } from '../now.ts';
import { ScrollRegion } from './scroll-region.tsx';

interface TimeProps {
  /** RFC 3339, or epoch milliseconds. */
  readonly at: string | number;
  /** `clock`: 14:03:07.120. `full`: with its date. `ago`: 12 s ago. The other forms are in its tooltip. */
  readonly as?: 'clock' | 'full' | 'ago';
}

export function Time({ at, as = 'clock' }: TimeProps) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <>–</>;
  return (
    <time dateTime={date.toISOString()} title={`${dateTime(at)} (${date.toISOString()})`}>
      {as === 'clock' ? clock(at) : as === 'full' ? dateTime(at) : ago(at, nowMs.value)}
    </time>
  );
}

interface IdProps {
  readonly value: string;
  readonly href?: string;
}

/** An id in monospace, cut where there is no room, with a button that copies all of it. */
export function Id({ value, href }: IdProps) {
  return (
    <span class="id">
      {href === undefined ? (
        <span title={value}>{value}</span>
      ) : (
        <a href={href} title={value}>
          {value}
        </a>
      )}
      <Copy text={value} what={value} />
    </span>
  );
}

/** @param props.what names what is copied, for screen readers */
export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const copied = useSignal(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 1_500);
  };
  return (
    <button type="button" class="copy" aria-label={`Copy ${what}`} onClick={() => void copy()}>
      <span aria-live="polite">{copied.value ? 'copied' : 'copy'}</span>
    </button>
  );
}

const MAX_JSON_CHARACTERS = 100_000;

interface CodeProps {
  readonly text: string;
  /** Names it for screen readers: `headers`. */
  readonly label: string;
}

/** Text as it is, never markup; of a long one the beginning. */
export function Code({ text, label }: CodeProps) {
  const cut = text.length > MAX_JSON_CHARACTERS;
  return (
    <ScrollRegion class="code-scroll" label={label}>
      <pre class="code">
        {cut ? text.slice(0, MAX_JSON_CHARACTERS) : text}
        {cut && `\n… ${text.length - MAX_JSON_CHARACTERS} characters more: save it to see them.`}
      </pre>
    </ScrollRegion>
  );
}

export function Json({ value, label }: { readonly value: unknown; readonly label: string }) {
  return <Code text={JSON.stringify(value, null, 2) ?? 'undefined'} label={label} />;
}

interface ProgressProps {
  readonly label: string;
  /** 0 to 1; null: it is not known how much there is. */
  readonly share: number | null;
  /** In words: `4,200 of 10,000 published`. */
  readonly text: string;
}

export function Progress({ label, share, text }: ProgressProps) {
  const shown = share === null ? null : Math.min(Math.max(share, 0), 1);
  return (
    <div class="progress">
      <div
        class="bar"
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={shown === null ? undefined : Math.round(shown * 100)}
        aria-valuetext={text}
      >
        <i style={{ width: `${(shown ?? 0) * 100}%` }} />
      </div>
      <span class="small muted">
        {text}
        {shown !== null && ` · ${percent(Math.round(shown * 100) / 100)}`}
      </span>
    </div>
  );
}
