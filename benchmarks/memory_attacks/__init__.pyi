from .attacks import ATTACKS, Attack, Plan, Plant
from .curve import Point, curve, curve_jobs, fails_from
from .domains import DOMAINS, Domain, Scene, scene
from .guarded import DEFENCES
from .plot import save_plot
from .report import AttackReport
from .run import AttackRun, jobs, run
from .scripted import obedient
from .trial import Job, Trial, run_trial

__all__ = [
    "ATTACKS",
    "DEFENCES",
    "DOMAINS",
    "Attack",
    "AttackReport",
    "AttackRun",
    "Domain",
    "Job",
    "Plan",
    "Plant",
    "Point",
    "Scene",
    "Trial",
    "curve",
    "curve_jobs",
    "fails_from",
    "jobs",
    "obedient",
    "run",
    "run_trial",
    "save_plot",
    "scene",
]
