/** What every page of failures has: the way between them, and the button that makes a failure. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { Button } from '../../parts/controls.tsx';
import { Page } from '../../parts/page.tsx';
import { place } from '../../router.ts';
import { MakeFailure } from './make-failure.tsx';

const PLACES = [
  { segment: undefined, text: 'Kinds', href: '/failures' },
  { segment: 'letters', text: 'Dead letters', href: '/failures/letters' },
  { segment: 'parked', text: 'Parked', href: '/failures/parked' },
  { segment: 'replays', text: 'Replays', href: '/failures/replays' },
] as const;

interface FrameProps {
  readonly title: string;
  readonly lead: ComponentChildren;
  readonly children: ComponentChildren;
}

export function FailuresFrame({ title, lead, children }: FrameProps) {
  const [, current] = place.value.segments;
  return (
    <Page title={title} lead={lead} actions={<MakeFailureButton />}>
      <div>
        <nav class="tabs" aria-label="Failures">
          {PLACES.map(({ segment, text, href }) => (
            <a key={href} href={href} aria-current={segment === current ? 'page' : undefined}>
              {text}
            </a>
          ))}
        </nav>
        <div class="stack">{children}</div>
      </div>
    </Page>
  );
}

export function MakeFailureButton({ primary = false }: { readonly primary?: boolean }) {
  const asked = useSignal(false);
  return (
    <>
      <Button
        kind={primary ? 'primary' : 'plain'}
        onClick={() => {
          asked.value = true;
        }}
      >
        Make a failure …
      </Button>
      {asked.value && (
        <MakeFailure
          onClose={() => {
            asked.value = false;
          }}
        />
      )}
    </>
  );
}
