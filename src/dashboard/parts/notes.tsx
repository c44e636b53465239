/** What is shown in place of content: there is none, it is coming, or it could not be had. */
import type { ComponentChildren } from 'preact';
import type { Problem } from '../http.ts';
import { Button } from './controls.tsx';
import { Time } from './values.tsx';

/** @param props.children what to do about it: a link, a button, a command */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h3>{title}</h3>
      {children}
    </div>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading {what} …</span>
      <i />
      <i />
      <i />
    </div>
  );
}

interface NoteProps {
  readonly kind?: 'bad' | 'warn' | 'ok';
  readonly children: ComponentChildren;
}

export function Note({ kind, children }: NoteProps) {
  return (
    <div class={`note-box ${kind ?? ''}`} role={kind === 'bad' ? 'alert' : undefined}>
      {children}
    </div>
  );
}

/** What is seen, and can be started again, on the cluster's page. */
const OF_THE_CLUSTER = new Set(['LOG_UNAVAILABLE', 'STORE_UNAVAILABLE']);

interface ProblemNoteProps {
  readonly problem: Problem;
  readonly retry?: () => void;
  /** When what is still shown below came; absent where nothing is. */
  readonly shownFromMs?: number;
}

/** An error in words, its code, what to do about it, and the way to try again. */
export function ProblemNote({ problem, retry, shownFromMs }: ProblemNoteProps) {
  return (
    <Note kind="bad">
      <div class="row">
        <span>
          {problem.message} <code class="muted">{problem.code}</code>
          {shownFromMs !== undefined && (
            <>
              {' '}
              What is shown below is old, of <Time at={shownFromMs} />.
            </>
          )}
          {OF_THE_CLUSTER.has(problem.code) && (
            <>
              {' '}
              <a href="/cluster">See how the servers are, and start what has ended</a>
            </>
          )}
        </span>
        {retry !== undefined && (
          <Button small onClick={retry}>
            Try again
          </Button>
        )}
      </div>
    </Note>
  );
}

interface LoadedProps<T> {
  readonly of: {
    readonly data: T | null;
    readonly problem: Problem | null;
    readonly atMs: number;
    reload(): void;
  };
  /** For `Loading …`. */
  readonly what: string;
  readonly children: (data: T) => ComponentChildren;
}

/** A resource in whichever state it is. What is there stays when a later request fails, with the failure above it. */
export function Loaded<T>({ of: { data, problem, atMs, reload }, what, children }: LoadedProps<T>) {
  return (
    <>
      {problem !== null && (
        <ProblemNote problem={problem} retry={reload} {...(data === null ? {} : { shownFromMs: atMs })} />
      )}
      {data !== null ? children(data) : problem === null && <Loading what={what} />}
    </>
  );
}
