/** What is around every view: the way to the others, the search, how the system is. */
import { useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { compact } from './format.ts';
import { lazy } from './lazy.ts';
import { connection, isLost, sample } from './live.ts';
import { Button } from './parts/controls.tsx';
import { Loading, Note } from './parts/notes.tsx';
import { State } from './parts/state.tsx';
import type { StateKind } from './parts/state-kind.ts';
import { place } from './router.ts';
import { setTheme, shown } from './theme.ts';
import { toasts } from './toast.ts';
import { TokenQuestion } from './token-question.tsx';
import { VIEWS, type View } from './views.ts';

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

const Palette = lazy(async () => (await import('./palette/palette.tsx')).Palette);
/** The palette is loaded when it is first wanted. */
async function openPalette(): Promise<void> {
  (await import('./palette/palette.tsx')).openPalette();
}

export function Shell() {
  const wanted = useSignal(false);
  const search = () => {
    wanted.value = true;
    void openPalette();
  };
  useSignalEffect(() => onKeys(search));
  const [segment = '', ...rest] = place.value.segments;
  const view = VIEWS.find((one) => one.segment === segment);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/" aria-label="StreamSocial, start">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" fill="var(--accent)" />
            <path d="M6 11h11M6 16h20M6 21h14" stroke="var(--on-accent)" stroke-width="3" stroke-linecap="round" />
          </svg>
          <span>StreamSocial</span>
        </a>
        <button type="button" class="top-search" onClick={search} aria-keyshortcuts="Control+K /">
          <span>Search events, users, contents, topics …</span>
          <kbd>{IS_MAC ? '⌘K' : 'Ctrl K'}</kbd>
        </button>
        <States />
      </header>
      <Navigation current={view} />
      <main class={isLost.value ? 'main stale' : 'main'} id="main">
        <Disconnected />
        {view === undefined ? <NotFound /> : <Shown key={view.segment} view={view} rest={rest} />}
      </main>
      {wanted.value && <Palette />}
      <TokenQuestion />
      <div class="toasts" role="status" aria-live="polite">
        {toasts.value.map(({ id, text, kind }) => (
          <div key={id}>
            <State kind={kind}>{text}</State>
          </div>
        ))}
      </div>
    </div>
  );
}

/** Ctrl-K and Cmd-K everywhere, `/` where nothing is being typed. */
function onKeys(search: () => void): () => void {
  const listen = (event: KeyboardEvent) => {
    const typing = event.target instanceof Element && event.target.closest('input, textarea, select, dialog') !== null;
    const isChord = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k';
    if (!isChord && (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey)) return;
    event.preventDefault();
    search();
  };
  addEventListener('keydown', listen);
  return () => removeEventListener('keydown', listen);
}

function Navigation({ current }: { readonly current: View | undefined }) {
  const list = useRef<HTMLUListElement>(null);
  const open = sample.value?.dead_letters.depth ?? 0;
  // where the list is a row, the view that is shown may be outside of it
  useEffect(() => {
    const link = list.current?.querySelector('[aria-current]');
    if (current !== undefined) link?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [current, open > 0]);
  return (
    <nav class="side" aria-label="Views">
      <ul ref={list}>
        {VIEWS.map((view) => (
          <li key={view.segment}>
            <a href={`/${view.segment}`} aria-current={view === current ? 'page' : undefined}>
              <svg viewBox="0 0 16 16" aria-hidden="true">
                <path d={view.path} />
              </svg>
              {view.name}
              {view.segment === 'failures' && open > 0 && (
                <span class="count" title="open dead letters">
                  {compact(open)}
                  <span class="visually-hidden"> open dead letters</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const CONNECTIONS: Readonly<Record<typeof connection.value, readonly [StateKind, string]>> = {
  connecting: ['busy', 'connecting'],
  open: ['ok', 'live'],
  lost: ['bad', 'disconnected'],
};
const RUNTIMES: Readonly<Record<string, readonly [StateKind, string]>> = {
  SYSTEM_STOPPED: ['idle', 'no demo running'],
  DEMO_RUNNING: ['busy', 'demo running'],
  SYSTEM_ERROR: ['bad', 'system error'],
};

function States() {
  const [kind, text] = CONNECTIONS[connection.value];
  const runtime = RUNTIMES[sample.value?.runtime.state ?? ''];
  const next = shown.value === 'dark' ? 'light' : 'dark';
  return (
    <div class="top-states">
      {runtime !== undefined && !isLost.value && (
        <span class="wide" title={sample.value?.runtime.cause ?? sample.value?.runtime.state}>
          <State kind={runtime[0]}>{runtime[1]}</State>
        </span>
      )}
      {sample.value !== null && (
        <span class="wide muted">{sample.value.log.mode === 'kafka' ? 'Kafka' : 'embedded log'}</span>
      )}
      <span data-connection={connection.value}>
        <State kind={kind}>{text}</State>
      </span>
      <Button kind="quiet" small label={`Switch to the ${next} theme`} onClick={() => setTheme(next)}>
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.3" />
          <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
        </svg>
      </Button>
    </div>
  );
}

function Disconnected() {
  if (connection.value !== 'lost') return null;
  return (
    <div class="banner" role="alert">
      <strong>The server does not answer.</strong>
      <span>
        What is shown is as it was. If you have stopped it, start it again with <code>npm start</code>: this page
        connects by itself.
      </span>
    </div>
  );
}

function NotFound() {
  return (
    <Note kind="warn">
      There is nothing at this address. <a href="/">Go to the start</a>
    </Note>
  );
}

/** Loaded once each, whichever address of it is shown. */
const loaded = new Map<View, ComponentType<{ readonly rest: readonly string[] }>>();

function Shown({ view, rest }: { readonly view: View; readonly rest: readonly string[] }) {
  const state = useSignal<'loading' | 'there' | 'failed'>(loaded.has(view) ? 'there' : 'loading');
  useSignalEffect(() => {
    // again when the server is back
    isLost.value;
    if (loaded.has(view)) return;
    view.load().then(
      ({ View: component }) => {
        loaded.set(view, component);
        state.value = 'there';
      },
      () => {
        state.value = 'failed';
      },
    );
  });
  const Component = loaded.get(view);
  if (state.value === 'there' && Component !== undefined) return <Component rest={rest} />;
  if (state.value === 'loading') return <Loading what={view.name} />;
  // its file is gone when the server has another version by now
  return (
    <Note kind="bad">
      <div class="row">
        This part of the page could not be loaded.
        <Button small onClick={() => location.reload()}>
          Load the page again
        </Button>
      </div>
    </Note>
  );
}
