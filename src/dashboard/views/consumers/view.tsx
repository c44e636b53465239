import './consumers.css';
import { GroupPage } from './group-page.tsx';
import { GroupsPage } from './groups-page.tsx';

export function View({ rest }: { readonly rest: readonly string[] }) {
  const [group] = rest;
  return group === undefined ? <GroupsPage /> : <GroupPage key={group} group={group} />;
}
