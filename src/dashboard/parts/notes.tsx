/** What is shown in place of content: there is none, it is coming, or it could not be had. */
import type { ComponentChildren } from 'preact';
import type { Problem } from '../http.ts';
import { Button } from './controls.tsx';

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

/** An error in words, its code, and the way to try again. */
export function ProblemNote({ problem, retry }: { readonly problem: Problem; readonly retry?: () => void }) {
  return (
    <Note kind="bad">
      <div class="row">
        <span>
          {problem.message} <code class="muted">{problem.code}</code>
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
    reload(): void;
  };
  /** For `Loading …`. */
  readonly what: string;
  readonly children: (data: T) => ComponentChildren;
}

/** A resource in whichever state it is. What is there stays when a later request fails, with the failure above it. */
export function Loaded<T>({ of: { data, problem, reload }, what, children }: LoadedProps<T>) {
  return (
    <>
      {problem !== null && <ProblemNote problem={problem} retry={reload} />}
      {data !== null ? children(data) : problem === null && <Loading what={what} />}
    </>
  );
}
