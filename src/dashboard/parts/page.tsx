/** The frame of a view: its heading, panels, and groups of figures. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

interface PageProps {
  readonly title: string;
  /** One sentence: what this is for. */
  readonly lead?: ComponentChildren;
  /** The way here: links to what this is part of. */
  readonly crumbs?: readonly { readonly text: string; readonly href: string }[];
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The path whose heading has had its turn: the first one leaves the focus where the browser begins. */
let arrivedAt = location.pathname;
/** The heading that took the focus. Where another of the same page has replaced it, that one takes it over. */
let focused: HTMLHeadingElement | null = null;

/** Names the document, and takes the focus to its heading when a link has led here: once, not when its name is known later. */
export function Page({ title, lead, crumbs = [], actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · StreamSocial`;
    const isLost = document.activeElement === document.body;
    const isReplaced = isLost && focused !== null && !focused.isConnected;
    if (location.pathname === arrivedAt && !isReplaced) return;
    arrivedAt = location.pathname;
    focused = null;
    if (!isLost && document.activeElement?.closest('main, nav') === null) return;
    focused = heading.current;
    focused?.focus({ preventScroll: true });
  }, [title]);
  return (
    <>
      <div class="page-head">
        <div>
          {crumbs.length > 0 && (
            <nav class="crumbs" aria-label="Breadcrumb">
              {crumbs.map(({ text, href }) => (
                <span key={href}>
                  <a href={href}>{text}</a> /
                </span>
              ))}
            </nav>
          )}
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
        </div>
        {actions !== undefined && <div class="row">{actions}</div>}
      </div>
      <div class="stack">{children}</div>
    </>
  );
}

interface PanelProps {
  readonly title: ComponentChildren;
  /** Beside the title: what it counts, over which time. */
  readonly note?: ComponentChildren;
  readonly actions?: ComponentChildren;
  /** Without room around its content, as a table wants it. */
  readonly flush?: boolean;
  readonly children: ComponentChildren;
}

export function Panel({ title, note, actions, flush = false, children }: PanelProps) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {note !== undefined && <span class="note">{note}</span>}
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      <div class={flush ? 'body flush' : 'body'}>{children}</div>
    </section>
  );
}

export interface Figure {
  readonly label: string;
  readonly value: ComponentChildren;
  /** Small, after the value. */
  readonly note?: ComponentChildren;
  /** What tests and other programs know it by: `data-figure`. */
  readonly name?: string;
}

export function Figures({ items }: { readonly items: readonly Figure[] }) {
  return (
    <dl class="figures">
      {items.map(({ label, value, note, name }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            <span data-figure={name}>{value}</span> {note !== undefined && <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Names and values, one pair a line. */
export function Pairs({ items }: { readonly items: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="pairs">
      {items.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}
