import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../base/deadline.ts';
import type { TrialRecord } from '../record/schema.ts';
