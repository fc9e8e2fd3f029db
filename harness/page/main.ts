import type { PageData } from '../report/html/data.ts';
import { drawRun } from './run.ts';
import { drawTrend } from './trend.ts';

const data = JSON.parse(document.getElementById('data')!.textContent) as PageData;
if (data.kind === 'run') drawRun(data);
else drawTrend(data);
// signals that everything visible on opening is drawn
document.documentElement.dataset['drawn'] = '';
