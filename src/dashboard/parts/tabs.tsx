import { query, withQuery } from '../router.ts';

interface TabsProps<V extends string> {
  readonly label: string;
  /** The first one is shown when the address names none. */
  readonly tabs: readonly { readonly value: V; readonly text: string }[];
}

/** Which tab the address names: `?tab=records`. */
export function currentTab<V extends string>(tabs: TabsProps<V>['tabs']): V {
  const wanted = query('tab');
  return tabs.find(({ value }) => value === wanted)?.value ?? tabs[0]!.value;
}

/** Links, since each tab has an address of its own. */
export function Tabs<V extends string>({ label, tabs }: TabsProps<V>) {
  const current = currentTab(tabs);
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ value, text }, index) => (
        <a
          key={value}
          href={withQuery({ tab: index === 0 ? null : value })}
          aria-current={value === current ? 'page' : undefined}
        >
          {text}
        </a>
      ))}
    </nav>
  );
}
