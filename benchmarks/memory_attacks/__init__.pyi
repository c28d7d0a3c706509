from .attacks import ATTACKS, Attack, Plan, Plant
from .domains import DOMAINS, Domain, Scene, scene
from .guarded import DEFENCES
from .plot import save_plot
from .report import AttackReport
from .run import jobs, run
from .scripted import obedient
from .trial import Job, Trial, run_trial

__all__ = [
    "ATTACKS",
    "DEFENCES",
    "DOMAINS",
    "Attack",
    "AttackReport",
    "Domain",
    "Job",
    "Plan",
    "Plant",
    "Scene",
    "Trial",
    "jobs",
    "obedient",
    "run",
    "run_trial",
    "save_plot",
    "scene",
]
