import './failures.css';
import { GroupPage } from './group-page.tsx';
import { GroupsPage } from './groups-page.tsx';
import { LetterPage } from './letter-page.tsx';
import { LettersPage } from './letters-page.tsx';
import { ParkedPage } from './parked-page.tsx';
import { ReplaysPage } from './replays-page.tsx';

/** `/failures`, `/failures/<fingerprint>`, `/failures/letters[/<id>]`, `/failures/parked`, `/failures/replays[/<id>]` */
export function View({ rest }: { readonly rest: readonly string[] }) {
  const [first, second] = rest;
  if (first === undefined) return <GroupsPage />;
  if (first === 'parked') return <ParkedPage />;
  if (first === 'replays') return <ReplaysPage id={second ?? null} />;
  if (first === 'letters') return second === undefined ? <LettersPage /> : <LetterPage key={second} id={second} />;
  return <GroupPage key={first} fingerprint={first} />;
}
