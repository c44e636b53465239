/** What the palette offers besides what the server finds. Pure. */
import type { SearchJson } from '../../api/search.ts';

export interface Choice {
  readonly id: string;
  /** The heading that it stands under. */
  readonly section: string;
  readonly title: string;
  readonly detail: string;
  /** A path of the page, or what is done. */
  readonly does: { readonly link: string } | { readonly command: CommandName };
}

export type CommandName = 'demo' | 'theme';

interface Place {
  readonly segment: string;
  readonly name: string;
}

const COMMANDS: readonly Omit<Choice, 'section'>[] = [
  {
    id: 'demo',
    title: 'Run the demo',
    detail: '10,000 events, with poison and failures among them',
    does: { command: 'demo' },
  },
  {
    id: 'publish',
    title: 'Publish an event',
    detail: 'of one of the ten types, from its schema',
    does: { link: '/topics?tab=publish' },
  },
  {
    id: 'drills',
    title: 'Drills',
    detail: 'break a system of its own, and see what holds',
    does: { link: '/cluster/drills' },
  },
  { id: 'plan', title: 'Plan partitions', detail: 'how many, and how keys spread', does: { link: '/topics?tab=plan' } },
  { id: 'theme', title: 'Switch the theme', detail: 'light or dark', does: { command: 'theme' } },
];

const SECTIONS: Readonly<Record<SearchJson['hits'][number]['kind'], string>> = {
  event: 'Events',
  content: 'Contents',
  user: 'Users',
  topic: 'Topics',
  group: 'Consumer groups',
  dead_letter: 'Dead letters',
  document: 'Projections',
};

/** Views and commands whose name has every word of the text; all of them for an empty text. */
export function ownChoices(text: string, views: readonly Place[]): Choice[] {
  const all: Choice[] = [
    ...views.map(({ segment, name }) => ({
      id: `view-${segment}`,
      section: 'Views',
      title: name,
      detail: '',
      does: { link: `/${segment}` },
    })),
    ...COMMANDS.map((command) => ({ ...command, section: 'Commands' })),
  ];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)));
}

/** What the server found. An id that it did not find at once may be in the log all the same. */
export function foundChoices(text: string, answer: SearchJson | null): Choice[] {
  const hits = (answer?.hits ?? []).map(({ kind, title, detail, link }, index) => ({
    id: `hit-${index}`,
    section: SECTIONS[kind],
    title,
    detail,
    does: { link },
  }));
  if (text === '' || answer === null || hits.some(({ section }) => section === SECTIONS.event)) return hits;
  const look: Choice = {
    id: 'look',
    section: SECTIONS.event,
    title: text,
    detail: 'look for an event of this id in the log',
    does: { link: `/journey/${encodeURIComponent(text)}` },
  };
  return [...hits, look];
}

/** Sections in the order of their first choice, numbered through. */
export function inSections(
  choices: readonly Choice[],
): { readonly name: string; readonly choices: readonly { readonly choice: Choice; readonly index: number }[] }[] {
  const numbered = [...Map.groupBy(choices, ({ section }) => section)];
  let next = 0;
  return numbered.map(([name, own]) => ({ name, choices: own.map((choice) => ({ choice, index: next++ })) }));
}

/** As `inSections` numbers them. */
export function inOrder(choices: readonly Choice[]): Choice[] {
  return inSections(choices).flatMap(({ choices: own }) => own.map(({ choice }) => choice));
}

/** Where a key leads in a list of so many, around its ends; null for a key that does not move. */
export function moved(key: string, current: number, length: number): number | null {
  if (length === 0) return null;
  switch (key) {
    case 'ArrowDown':
      return (current + 1) % length;
    case 'ArrowUp':
      return (current - 1 + length) % length;
    case 'PageDown':
      return Math.min(current + 8, length - 1);
    case 'PageUp':
      return Math.max(current - 8, 0);
    default:
      return null;
  }
}
