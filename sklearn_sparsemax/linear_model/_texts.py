"""Descriptions of parameters, attributes and references that the estimators share."""

from __future__ import annotations

from functools import partial
from textwrap import dedent

from .._docs import shared_docs

PARAMETERS = {
    "alpha": """\
        alpha : float or "auto", default="auto"
            Strength of the L2 penalty on the coefficients, 0 or more. The intercept is not
            penalised. "auto" takes 1 / (sum of the weights of the rows), which is 1 / n_samples
            without weights: the default `C=1` of :class:`~sklearn.linear_model.LogisticRegression`,
            whose `C` is 1 / (alpha * n_samples). Of the defaults that were compared on data sets
            of 100 to 100,000 rows, it loses least on average (`python -m benchmarks alpha`). With
            0 there is no dual: `tol` then bounds the largest entry of the gradient, in units of
            that of the all-zero model, and `dual_gap_` is infinite.
        """,
    "threshold": """\
        threshold : float or "auto", default="auto"
            A label is predicted where its probability exceeds this, 0 or more and below 1.
            "auto" takes the cut at which as many labels are predicted for the training rows as
            these rows have. `threshold_` holds the cut.
        """,
    "empty": """\
        empty : {"null", "drop", "uniform"}, default="null"
            What a row with no label means. "null" adds a virtual output that takes the mass of
            such rows, if there is one. Probabilities of the labels then sum to less than 1 where
            no label is likely. "drop" leaves the rows out. "uniform" spreads them over all labels.
        """,
    "entmax_alpha": """\
        entmax_alpha : float, default=1.5
            How sparse the probabilities are, from 1 to 50: 1 gives the softmax, whose probabilities
            are all positive, 2 the sparsemax. With larger values, fewer probabilities are positive.
        """,
    "fit_intercept": """\
        fit_intercept : bool, default=True
            Whether to fit an intercept. The (weighted) mean of the predicted probabilities over
            the training rows then equals the mean of the targets.
        """,
    "class_weight": """\
        class_weight : dict or "balanced", default=None
            Weights of the classes, which multiply `sample_weight`. A class that the dict does not
            name weighs 1. The dict may name classes that y lacks if it names all that y has.
            "balanced" gives all classes the same total weight.
        """,
    "label_weight": """\
        class_weight : dict or "balanced", default=None
            Weights of the labels, by column of y. A column that the dict does not name weighs 1.
            The weight of a row is multiplied by the mean weight of its labels, or by 1 if it has
            none. "balanced" weighs labels inversely to their frequency.
        """,
    "solver": """\
        solver : {"auto", "lbfgs", "newton-cg", "newton-cholesky", "sdca", "sgd"}, default="auto"
            The algorithm; :class:`SparsemaxClassifier` describes each.
        """,
    "tol": """\
        tol : float, default=1e-4
            The fit stops once its objective is proven to be within tol * F(0, 0) of the minimum,
            where F(0, 0) is the objective of the all-zero model. The rule is the same for all
            solvers.
        """,
    "max_iter": """\
        max_iter : int, default=1000
            Largest number of iterations of the solver. For "sdca" and "sgd" an iteration is an
            epoch over the rows.
        """,
    "warm_start": """\
        warm_start : bool, default=False
            Whether to start from the coefficients of the previous fit. They are used if they have
            the shape of the new ones, belong to the same classes, and are better than zero.
        """,
    "random_state": """\
        random_state : int, RandomState instance or None, default=None
            Draws the order of the rows for "sdca" and "sgd", and for "auto" where it chooses
            "sdca". The other solvers draw nothing.
        """,
    "verbose": """\
        verbose : int, default=0
            With 1 or more, the fit prints the objective and the distance from the tolerance.
        """,
}

PATH_PARAMETERS = {
    "alphas": """\
        alphas : int or array-like, default=20
            The strengths of the penalty to choose from. A number n: n of them, falling by equal
            ratios from the largest one, at which the coefficients can lower the objective by no
            more than a tenth of that of the all-zero model. `alphas_` holds them.
        """,
    "ratio": """\
        ratio : float, default=1e-4
            The smallest alpha divided by the largest one, for a number of alphas.
        """,
    "entmax_alphas": """\
        entmax_alphas : array-like, default=(1.25, 1.5, 2)
            The values of `entmax_alpha` to choose from, from 1 to 50. With two or more, the arrays
            of scores and certificates have them as a further first axis.
        """,
    "path_cv": """\
        cv : int, cross-validation splitter or iterable, default=None
            How to divide the rows. None or an int: that many folds, 5 by default, shuffled by
            `random_state`; stratified for classes.
        """,
    "path_scoring": """\
        scoring : str, callable, list, dict or None, default=None
            What to maximise: the name of a scikit-learn scorer or a scorer. Of a list of names, or
            a dict of scorers by name, the first one chooses, and `scores_` holds all. None is the
            accuracy for classes, and "f1_micro" for label sets.
        """,
    "one_standard_error": """\
        one_standard_error : bool, default=False
            Whether to take the largest alpha whose mean score is within one standard error of the
            best mean, over the folds, instead of the alpha of the best mean.
        """,
    "store_coefs": """\
        store_coefs : bool, default=False
            Whether to keep the coefficients of all fits, in `coefs_paths_`.
        """,
    "n_jobs": """\
        n_jobs : int, default=None
            Number of processes that fit parts of the paths. None means 1 unless in a
            :func:`joblib.parallel_config` context, -1 all processors.
        """,
}

PATH_ATTRIBUTES = {
    "entmax_alpha_": """\
        entmax_alpha_ : float
            The chosen `entmax_alpha`.
        """,
    "path_alpha_": """\
        alpha_ : float
            The chosen strength, with which all rows are fitted in the end.
        """,
    "alphas_": """\
        alphas_ : ndarray of shape (n_alphas,)
            The strengths, from the largest on.
        """,
    "scores_": """\
        scores_ : dict of ndarray of shape (n_folds, n_alphas)
            The score of each fit on the rows held out, by the name of the scorer.
        """,
    "best_score_": """\
        best_score_ : float
            Mean score over the folds at `alpha_`.
        """,
    "dual_gaps_": """\
        dual_gaps_ : ndarray of shape (n_folds, n_alphas)
            The certificate of each fit.
        """,
    "n_iters_": """\
        n_iters_ : ndarray of shape (n_folds, n_alphas)
            The iterations of each fit.
        """,
    "coefs_paths_": """\
        coefs_paths_ : ndarray of shape (n_folds, n_alphas, n_outputs, n_features + 1)
            The coefficients of each fit, with the intercept last, if `store_coefs`.
        """,
}

STREAM_PARAMETERS = {
    "stream_loss": """\
        loss : str, default="sparsemax"
            The loss of a row. It decides what the probabilities are.

            - "sparsemax": exactly 0 for outputs that the scores rule out.
            - "entmax15": the entmax of alpha = 1.5, with fewer zeros.
            - "softmax": all positive. For classes, this is multinomial logistic regression.
            - "binary_sparsemax": clip((score + 1) / 2, 0, 1) for each output on its own.
            - "logistic": sigmoid(score) for each output on its own.

            With the last two and more than two classes, each class has its own probability, as in
            :class:`~sklearn.linear_model.SGDClassifier`; they are divided by their sum.
        """,
    "stream_alpha": """\
        alpha : float, default=1e-4
            Strength of the L2 penalty on the coefficients, 0 or more. The intercept is not
            penalised. It is a number, since the length of a stream is not known.
        """,
    "stream_threshold": """\
        threshold : float or "auto", default="auto"
            A label is predicted where its probability exceeds this, 0 or more and below 1.
            "auto" takes the cut at which as many labels are predicted as rows have: for the rows
            of `fit`, or for the last 1000 rows of a stream. `threshold_` holds the cut.
        """,
    "stream_empty": """\
        empty : {"null", "drop", "uniform"}, default="null"
            What a row with no label means. "null" adds a virtual output that takes the mass of
            such rows, whether there are any or not, since a stream may still bring one. "drop"
            leaves the rows out. "uniform" spreads them over all labels. A loss of independent
            labels takes such rows as they are.
        """,
    "stream_fit_intercept": """\
        fit_intercept : bool, default=True
            Whether to fit an intercept. Features are then centred as they are read.
        """,
    "stream_class_weight": """\
        class_weight : dict or "balanced", default=None
            Weights of the classes, which multiply `sample_weight`. A class that the dict does not
            name weighs 1. "balanced" gives all classes the same total weight; it is for `fit`
            alone, since `partial_fit` does not see all rows.
        """,
    "stream_label_weight": """\
        class_weight : dict or "balanced", default=None
            Weights of the labels, by column of y. A column that the dict does not name weighs 1.
            The weight of a row is multiplied by the mean weight of its labels, or by 1 if it has
            none. "balanced" weighs labels inversely to their frequency; it is for `fit` alone.
        """,
    "learning_rate": """\
        learning_rate : {"optimal", "constant", "invscaling"}, default="optimal"
            The length of the steps.

            - "optimal": 1 / (1 / eta0 + alpha * n), for the n rows of `fit`, or the n rows that a
              stream has brought so far.
            - "constant": eta0.
            - "invscaling": eta0 / t ** power_t at the t-th row visited.
        """,
    "eta0": """\
        eta0 : float, default=None
            The length of the first steps. None takes c / (mean square length of the centred rows
            and of a feature for the intercept), with c = 5 in `fit`, and with c = 2 and the rows so
            far in `partial_fit`. Steps are implicit: no length makes them diverge.
        """,
    "power_t": """\
        power_t : float, default=0.5
            The exponent of "invscaling".
        """,
    "average": """\
        average : bool, default=True
            Whether the coefficients are an average of all iterates, in which later ones weigh
            more, or the last iterate. The t-th iterate weighs about t ** 6 in `fit` and t in
            `partial_fit`, where rows may come in any order. The last iterate follows a stream that
            changes faster, but forgets what came before.
        """,
    "shuffle": """\
        shuffle : bool, default=True
            Whether `fit` visits the rows of each epoch in random order.
        """,
    "stream_tol": """\
        tol : float or None, default=1e-5
            `fit` ends when the mean loss has not fallen by more than tol * (that of the all-zero
            model) for `n_iter_no_change` epochs in a row. With None it runs to `max_iter`.
        """,
    "stream_max_iter": """\
        max_iter : int, default=1000
            Largest number of epochs of `fit`.
        """,
    "early_stopping": """\
        early_stopping : bool, default=False
            Whether `fit` holds out rows and watches their mean loss instead.
        """,
    "validation_fraction": """\
        validation_fraction : float, default=0.1
            The part of the rows that `early_stopping` holds out.
        """,
    "n_iter_no_change": """\
        n_iter_no_change : int, default=5
            Number of epochs without progress after which `fit` ends.
        """,
    "stream_warm_start": """\
        warm_start : bool, default=False
            Whether `fit` starts from the coefficients so far. They are used if they have the shape
            of the new ones, belong to the same classes, and are better than zero.
        """,
    "stream_random_state": """\
        random_state : int, RandomState instance or None, default=None
            Draws the order of the rows, and the rows that are held out.
        """,
    "stream_verbose": """\
        verbose : int, default=0
            With 1 or more, `fit` prints the mean loss of each epoch.
        """,
}

ATTRIBUTES = {
    "classes_": """\
        classes_ : ndarray of shape (n_classes,)
            Class labels, sorted.
        """,
    "multilabel_": """\
        multilabel_ : bool
            Whether y held label sets, rather than classes.
        """,
    "n_labels_": """\
        n_labels_ : int
            Number of labels, the columns of y. Not set after fitting classes.
        """,
    "label_classes_": """\
        classes_ : ndarray of shape (`n_labels_`, 2) or (n_classes,)
            The values 0 and 1 of each label, in a row for each. After fitting classes, the class
            labels.
        """,
    "threshold_": """\
        threshold_ : float
            The cut that `predict` uses for label sets. Not set after fitting classes.
        """,
    "intercept_": """\
        intercept_ : ndarray of shape (n_outputs,)
            Intercept b, 0 if `fit_intercept=False`.
        """,
    "alpha_": """\
        alpha_ : float
            Strength of the penalty of the fit: `alpha`, or what "auto" stands for.
        """,
    "n_iter_": """\
        n_iter_ : int
            Number of iterations of the solver.
        """,
    "objective_": """\
        objective_ : float
            F of the coefficients and the intercept.
        """,
    "dual_gap_": """\
        dual_gap_ : float
            Proven bound on `objective_` minus the minimum of F.
        """,
    "n_features_in_": """\
        n_features_in_ : int
            Number of features seen by `fit`.
        """,
    "feature_names_in_": """\
        feature_names_in_ : ndarray of shape (`n_features_in_`,)
            Names of the features, if X had string column names.
        """,
    "t_": """\
        t_ : int
            Number of rows visited so far. Rows of no weight do not count.
        """,
    "stream_n_iter_": """\
        n_iter_ : int
            Number of epochs of `fit`; 1 after `partial_fit`.
        """,
    "loss_curve_": """\
        loss_curve_ : list of float
            The mean loss of the rows of each epoch, or of each call of `partial_fit`. The loss of
            a row is taken before its visit, so that along a stream this is the loss on new rows.
        """,
}

ARGUMENTS = {
    "X": """\
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        """,
    "X_fit": """\
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, finite. float32 is kept, other types become float64. Sparse containers
            become CSR. With ``array_api_dispatch=True``, an array of another library than NumPy is
            fitted where it lies, if the solver is "auto", "lbfgs" or "newton-cg".
        """,
    "X_path": """\
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, finite. float32 is kept, other types become float64. Sparse containers
            become CSR.
        """,
    "X_stream": """\
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, finite, at least one row. The first call decides between float32 and
            float64, to which later rows are converted.
        """,
    "sample_weight": """\
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more. A weight of 2 is the same as the row twice, a weight
            of 0 as no such row. With a number for `alpha`, only the proportions of the weights
            matter.
        """,
    "sample_weight_stream": """\
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more, relative to all that were given so far.
        """,
    "fit_results": """\
        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y, `sample_weight` or a parameter is not as stated.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or floating point ended the solver before `tol`.
        """,
    "partial_fit_results": """\
        Returns
        -------
        self : object
            The estimator. Where an error is raised, it is as it was before the call.

        Raises
        ------
        ValueError
            If an argument is not as stated, or does not fit what the first call gave.
        """,
}

REFERENCES = {
    "martins_2016": """\
        Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
        and Multi-Label Classification", ICML. https://arxiv.org/abs/1602.02068
        """,
    "blondel_2020": """\
        Blondel, Martins & Niculae (2020), "Learning with Fenchel-Young Losses", JMLR.
        https://arxiv.org/abs/1901.02324
        """,
    "peters_2019": """\
        Peters, Niculae & Martins (2019), "Sparse Sequence-to-Sequence Models", ACL.
        https://arxiv.org/abs/1905.05702
        """,
    "defazio_2016": """\
        Defazio (2016), "A Simple Practical Accelerated Method for Finite Sums", NeurIPS.
        https://arxiv.org/abs/1602.02442
        """,
    "shamir_2013": """\
        Shamir & Zhang (2013), "Stochastic Gradient Descent for Non-smooth Optimization", ICML.
        https://arxiv.org/abs/1212.1824
        """,
}

TEXTS = {
    **PARAMETERS,
    **PATH_PARAMETERS,
    **STREAM_PARAMETERS,
    **ATTRIBUTES,
    **PATH_ATTRIBUTES,
    **ARGUMENTS,
    **REFERENCES,
}

# Texts that always stand together, in this order.
GROUPS = {
    "stopping_options": ("tol", "max_iter", "warm_start", "random_state", "verbose"),
    "solver_options": ("solver", "tol", "max_iter", "warm_start", "random_state", "verbose"),
    "descent_options": (
        *("learning_rate", "eta0", "power_t", "average", "shuffle", "stream_tol"),
        *("stream_max_iter", "early_stopping", "validation_fraction", "n_iter_no_change"),
        *("stream_warm_start", "stream_random_state", "stream_verbose"),
    ),
    "label_sets": ("multilabel_", "n_labels_", "label_classes_", "threshold_"),
    "path_options": (
        *("alphas", "ratio", "path_cv", "path_scoring", "one_standard_error", "store_coefs"),
    ),
    "path_end": ("tol", "max_iter", "n_jobs", "random_state", "verbose"),
    "path": (
        *("path_alpha_", "alphas_", "scores_", "best_score_", "dual_gaps_", "n_iters_"),
        *("coefs_paths_", "n_iter_", "objective_", "dual_gap_"),
        *("n_features_in_", "feature_names_in_"),
    ),
    "solution": (
        "alpha_",
        "n_iter_",
        "objective_",
        "dual_gap_",
        "n_features_in_",
        "feature_names_in_",
    ),
    "descent": ("t_", "stream_n_iter_", "loss_curve_", "n_features_in_", "feature_names_in_"),
}

described = partial(
    shared_docs,
    **TEXTS,
    **{
        group: "\n".join(dedent(TEXTS[name]).strip() for name in names)
        for group, names in GROUPS.items()
    },
)
