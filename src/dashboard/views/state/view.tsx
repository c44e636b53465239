import './state.css';
import { DocumentPage } from './document-page.tsx';
import { ProjectionPage } from './projection-page.tsx';
import { ProjectionsPage } from './projections-page.tsx';

/** `/state`, `/state/<projection>`, `/state/<projection>/<key>?at=…` */
export function View({ rest }: { readonly rest: readonly string[] }) {
  const [name, key] = rest;
  if (name === undefined) return <ProjectionsPage />;
  if (key === undefined) return <ProjectionPage key={name} name={name} />;
  return <DocumentPage key={`${name} ${key}`} name={name} documentKey={key} />;
}
