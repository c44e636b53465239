/** Search and commands by keyboard: a combobox with a list, after the ARIA Authoring Practices Guide ("Combobox Pattern"). */
import './palette.css';
import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { asProblem, post } from '../http.ts';
import { go } from '../router.ts';
import { setTheme, shown } from '../theme.ts';
import { toast } from '../toast.ts';
import { VIEWS } from '../views.ts';
import { type Choice, type CommandName, foundChoices, inOrder, inSections, moved, ownChoices } from './commands.ts';
import { type Found, searching } from './search.ts';

const open = signal(false);

export function openPalette(): void {
  open.value = true;
}

export function Palette() {
  return open.value ? <OpenPalette /> : null;
}

function close(): void {
  open.value = false;
}

const LIST = 'palette-list';
/** Another page takes the focus to its own heading. */
let leadsElsewhere = false;
const MAX_CHARACTERS = 600;

function OpenPalette() {
  const { text, search } = useMemo(() => {
    const typed = signal('');
    return { text: typed, search: searching(typed) };
  }, []);
  useEffect(() => search.end, [search]);
  /** Which of the choices Enter takes. */
  const active = useSignal(0);
  const wanted = text.value.trim();
  const found = search.found.value;
  const isFresh = found.text === wanted;
  const choices = inOrder([
    ...ownChoices(wanted, VIEWS),
    ...foundChoices(wanted, isFresh && wanted !== '' ? found.answer : null),
  ]);
  const current = Math.min(active.value, choices.length - 1);
  /** Enter was pressed before the answer came. */
  const taken = useSignal('');
  const isComplete = wanted === '' || isFresh;
  useEffect(() => {
    if (!isComplete || taken.peek() === '') return;
    const isMeant = taken.peek() === wanted;
    taken.value = '';
    if (isMeant) take(choices[current]);
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const to = moved(event.key, current, choices.length);
    if (to !== null) {
      event.preventDefault();
      active.value = to;
    } else if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      if (isComplete || choices.length > 0) take(choices[current]);
      else taken.value = wanted;
    }
  };
  return (
    <PaletteDialog>
      <input
        class="palette-input"
        type="text"
        role="combobox"
        aria-label="Search or command"
        aria-autocomplete="list"
        aria-expanded={choices.length > 0}
        aria-controls={LIST}
        aria-activedescendant={choices[current] === undefined ? undefined : optionId(choices[current])}
        placeholder="An event, user, content, topic, group, or what to do"
        maxLength={MAX_CHARACTERS}
        autocomplete="off"
        spellcheck={false}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          active.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <Options choices={choices} current={current} onHover={(index) => (active.value = index)} />
      <Outcome wanted={wanted} found={found} isFresh={isFresh} count={choices.length} />
    </PaletteDialog>
  );
}

function PaletteDialog({ children }: { readonly children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    leadsElsewhere = false;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && !leadsElsewhere) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class="palette"
      aria-label="Search and commands"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onMouseDown={(event) => {
        if (event.target === element.current) close();
      }}
    >
      {children}
    </dialog>
  );
}

function Options(props: {
  readonly choices: readonly Choice[];
  readonly current: number;
  readonly onHover: (index: number) => void;
}) {
  const { choices, current, onHover } = props;
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [current, choices.length]);
  return (
    <div class="palette-list" id={LIST} role="listbox" aria-label="Choices" ref={list}>
      {inSections(choices).map(({ name, choices: own }) => (
        // biome-ignore lint/a11y/useSemanticElements: a group of options, not of fields
        <div key={name} role="group" aria-label={name}>
          <div class="palette-section" aria-hidden="true">
            {name}
          </div>
          {own.map(({ choice, index }) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the keys
            <div
              key={choice.id}
              id={optionId(choice)}
              class="palette-option"
              role="option"
              tabIndex={-1}
              aria-selected={index === current}
              onMouseMove={() => {
                if (index !== current) onHover(index);
              }}
              onClick={() => take(choice)}
            >
              <span class="palette-title">{choice.title}</span>
              <span class="palette-detail">{choice.detail}</span>
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}

/** How the search goes, for the eye and for screen readers. */
function Outcome(props: {
  readonly wanted: string;
  readonly found: Found;
  readonly isFresh: boolean;
  readonly count: number;
}) {
  const { wanted, found, isFresh, count } = props;
  const words = () => {
    if (wanted === '') return 'Type to search.';
    if (!isFresh) return 'Searching …';
    if (found.problem !== null) return found.problem.message;
    const missing = found.answer?.missing ?? [];
    const late = missing.length === 0 ? '' : ` Not looked up in time: ${missing.join(', ').replaceAll('_', ' ')}.`;
    const looked = found.answer?.looked ?? null;
    const isPart = looked?.complete === false && !found.answer!.hits.some(({ kind }) => kind === 'user');
    const part = isPart ? ` Users who only react: not in the newest ${looked.records} records.` : '';
    return `${count} to choose from.${late}${part}`;
  };
  return (
    <div class="palette-foot">
      <span role="status">{words()}</span>
      <span aria-hidden="true">
        <kbd>↑</kbd> <kbd>↓</kbd> choose <kbd>Enter</kbd> open <kbd>Esc</kbd> close
      </span>
    </div>
  );
}

function optionId({ id }: Choice): string {
  return `palette-${id}`;
}

function take(choice: Choice | undefined): void {
  if (choice === undefined) return;
  close();
  if ('link' in choice.does) lead(choice.does.link);
  else void COMMANDS[choice.does.command]();
}

function lead(link: string): void {
  leadsElsewhere = new URL(link, location.origin).pathname !== location.pathname;
  go(link);
}

const COMMANDS: Readonly<Record<CommandName, () => void | Promise<void>>> = {
  theme: () => setTheme(shown.peek() === 'dark' ? 'light' : 'dark'),
  async demo() {
    lead('/');
    try {
      await post('/api/run-demo');
      toast('The demo has begun.');
    } catch (error) {
      toast(asProblem(error).message, 'bad');
    }
  },
};
