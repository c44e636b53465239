/** One event followed through the system: `/journey`, `/journey/<id>`, `/journey/<topic>:<partition>:<offset>`. */
import './journey.css';
import { EventPage } from './event-page.tsx';
import { StartPage } from './start-page.tsx';

export function View({ rest }: { readonly rest: readonly string[] }) {
  const [id] = rest;
  return id === undefined || id === '' ? <StartPage /> : <EventPage key={id} id={id} />;
}
