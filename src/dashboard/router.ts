/** Where the page is. Every state that can be looked at has an address: `/consumers/x?tab=members`. */
import { computed, signal } from '@preact/signals';

export interface Place {
  /** Decoded: `/topics/a%2Fb` -> ['topics', 'a/b'] */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

const href = signal(location.pathname + location.search);

export const place = computed<Place>(() => {
  const { pathname, search } = new URL(href.value, location.origin);
  return { segments: pathname.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(search) };
});

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** `pathTo('state', 'engagement', 'post 1')` -> `/state/engagement/post%201` */
export function pathTo(...segments: readonly string[]): string {
  return `/${segments.map(encodeURIComponent).join('/')}`;
}

export function go(to: string, { replace = false } = {}): void {
  if (to === href.value) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  const moved = new URL(to, location.origin).pathname !== new URL(href.value, location.origin).pathname;
  href.value = location.pathname + location.search;
  if (moved && !replace) scrollTo(0, 0);
}

/** A value of the address's query; '' where it is not there. Reading it in a component subscribes to it. */
export function query(name: string): string {
  return place.value.query.get(name) ?? '';
}

/** The same place with other values in its query; '' and null leave one out. */
export function withQuery(values: Readonly<Record<string, string | number | null>>): string {
  const next = new URLSearchParams(place.peek().query);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, String(value));
  }
  const text = next.toString();
  return `${location.pathname}${text === '' ? '' : `?${text}`}`;
}

/** For what is typed or dragged: the address follows without a step in the history. */
export function setQuery(values: Readonly<Record<string, string | number | null>>, { replace = true } = {}): void {
  go(withQuery(values), { replace });
}

/** Links are plain `<a href>`: they are followed here where they lead to a view of ours. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    href.value = location.pathname + location.search;
  });
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!isView(link.pathname) || link.hash !== '') return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

/** Not the API's own documents, which the browser opens. */
function isView(path: string): boolean {
  return /^\/(?:(?:cluster|topics|journey|consumers|failures|state)(?:\/|$)|$)/.test(path);
}
