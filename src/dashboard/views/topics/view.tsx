import { Page } from '../../parts/page.tsx';

export function View(_props: { readonly rest: readonly string[] }) {
  return <Page title="Topics and events">…</Page>;
}
