/** The dashboard begins here. */
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/tables.css';
import { render } from 'preact';
import { goLive } from './live.ts';
import { followLinks } from './router.ts';
import { Shell } from './shell.tsx';
import './theme.ts';

followLinks();
goLive();
render(<Shell />, document.getElementById('app')!);
